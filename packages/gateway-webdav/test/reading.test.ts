import { describe, expect, it } from 'vitest'
import { serve } from './support/serve.ts'

const DIGITS = '0123456789'.repeat(10)

async function withDigits() {
  const served = await serve()
  await served.send('PUT', '/space/a.txt', { body: DIGITS })
  const head = await served.send('HEAD', '/space/a.txt')
  return { ...served, etag: head.headers.etag as string, modified: head.headers['last-modified'] as string }
}

describe('GET and HEAD of a file', () => {
  it('give its bytes, its length, its tag and its time', async () => {
    const { send, etag } = await withDigits()
    const answer = await send('GET', '/space/a.txt')
    expect(answer).toMatchObject({ status: 200, text: DIGITS })
    expect(answer.headers).toMatchObject({ 'content-length': '100', 'content-type': 'text/plain; charset=utf-8', etag })
    expect(Date.parse(answer.headers['last-modified'] as string)).toBeLessThanOrEqual(Date.now())
    expect(await send('HEAD', '/space/a.txt')).toMatchObject({
      status: 200,
      text: '',
      headers: { 'content-length': '100' },
    })
  })

  it('keep a page of somebody else from acting in the name of who opens it', async () => {
    const { send } = await serve()
    await send('PUT', '/space/a.html', { body: '<script>alert(1)</script>' })
    const { headers } = await send('GET', '/space/a.html')
    expect(headers['content-security-policy']).toMatch(/default-src 'none'.*sandbox$/)
    expect(headers['x-content-type-options']).toBe('nosniff')
  })

  it('give files larger than one read whole', async () => {
    const { send } = await serve()
    const body = Buffer.alloc(3 * 1024 * 1024 + 17, 'dittofs ')
    expect((await send('PUT', '/space/large', { body })).status).toBe(201)
    const answer = await send('GET', '/space/large')
    expect(answer.body.equals(body)).toBe(true)
    const part = await send('GET', '/space/large', { headers: { range: 'bytes=524280-1600000' } })
    expect(part.body.equals(body.subarray(524280, 1600001))).toBe(true)
  })

  it('are 404 where there is nothing, and an empty 200 for an empty file', async () => {
    const { send } = await serve()
    expect((await send('GET', '/space/none')).status).toBe(404)
    expect((await send('GET', '/other/none')).status).toBe(404)
    await send('PUT', '/space/empty')
    expect(await send('GET', '/space/empty')).toMatchObject({ status: 200, text: '' })
  })

  it('say that bytes nobody has now may come later', async () => {
    const { send, volume } = await withDigits()
    const { handle } = await volume.lookup(volume.root, 'a.txt')
    volume.withhold(handle, true)
    const answer = await send('GET', '/space/a.txt')
    expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '5' } })
    volume.withhold(handle, false)
    expect((await send('GET', '/space/a.txt')).text).toBe(DIGITS)
  })

  it('follow symlinks within the space, and no others', async () => {
    const { send, volume } = await withDigits()
    const { handle: d } = await volume.makeDirectory(volume.root, 'd', 0o755)
    await volume.makeSymlink(d, 'up', '../a.txt')
    await volume.makeSymlink(d, 'self', '.')
    await volume.makeSymlink(d, 'out', '../../etc/passwd')
    await volume.makeSymlink(d, 'absolute', '/etc/passwd')
    await volume.makeSymlink(d, 'circle', 'circle')
    expect((await send('GET', '/space/d/self/self/up')).text).toBe(DIGITS)
    for (const name of ['out', 'absolute', 'circle']) expect((await send('GET', `/space/d/${name}`)).status).toBe(404)
  })
})

describe('ranges', () => {
  it('are given alone, open to the end, and from the end', async () => {
    const { send } = await withDigits()
    const ranges = { 'bytes=3-7': '34567', 'bytes=95-': '56789', 'bytes=-2': '89' }
    for (const [range, text] of Object.entries(ranges)) {
      expect(await send('GET', '/space/a.txt', { headers: { range } })).toMatchObject({ status: 206, text })
    }
    const { headers } = await send('GET', '/space/a.txt', { headers: { range: 'bytes=3-7' } })
    expect(headers).toMatchObject({ 'content-range': 'bytes 3-7/100', 'content-length': '5' })
  })

  it('are given several at once', async () => {
    const { send } = await withDigits()
    const answer = await send('GET', '/space/a.txt', { headers: { range: 'bytes=0-1,98-99' } })
    const boundary = /^multipart\/byteranges; boundary=(.+)$/.exec(
      answer.headers['content-type'] as string,
    )?.[1] as string
    const type = 'Content-Type: text/plain; charset=utf-8'
    expect(answer.status).toBe(206)
    expect(answer.text).toBe(
      `--${boundary}\r\n${type}\r\nContent-Range: bytes 0-1/100\r\n\r\n01\r\n` +
        `--${boundary}\r\n${type}\r\nContent-Range: bytes 98-99/100\r\n\r\n89\r\n--${boundary}--\r\n`,
    )
    expect(answer.headers['content-length']).toBe(String(answer.body.length))
  })

  it('that are not there are 416, and those nobody understands are passed over', async () => {
    const { send } = await withDigits()
    expect(await send('GET', '/space/a.txt', { headers: { range: 'bytes=100-' } })).toMatchObject({
      status: 416,
      headers: { 'content-range': 'bytes */100' },
    })
    expect((await send('GET', '/space/a.txt', { headers: { range: 'pages=1' } })).status).toBe(200)
  })

  it('count only for the version that If-Range names', async () => {
    const { send, etag, modified } = await withDigits()
    const ask = async (value: string) =>
      (await send('GET', '/space/a.txt', { headers: { range: 'bytes=0-0', 'if-range': value } })).status
    expect(await ask(etag)).toBe(206)
    expect(await ask(modified)).toBe(206)
    expect(await ask('"other"')).toBe(200)
    expect(await ask('Mon, 01 Jan 2001 00:00:00 GMT')).toBe(200)
  })
})

describe('conditions of a GET', () => {
  it('are met or not by tag and by time', async () => {
    const { send, etag, modified } = await withDigits()
    const old = 'Mon, 01 Jan 2001 00:00:00 GMT'
    const cases: [headers: Record<string, string>, status: number][] = [
      [{ 'if-none-match': etag }, 304],
      [{ 'if-none-match': `"x", W/${etag}` }, 304],
      [{ 'if-none-match': '*' }, 304],
      [{ 'if-none-match': '"x"' }, 200],
      [{ 'if-none-match': '"x"', 'if-modified-since': modified }, 200],
      [{ 'if-modified-since': modified }, 304],
      [{ 'if-modified-since': old }, 200],
      [{ 'if-modified-since': 'yesterday' }, 200],
      [{ 'if-unmodified-since': modified }, 200],
      [{ 'if-unmodified-since': old }, 412],
      [{ 'if-match': etag }, 200],
      [{ 'if-match': '*' }, 200],
      [{ 'if-match': `W/${etag}` }, 412],
      [{ 'if-match': 'x' }, 400],
    ]
    for (const [headers, status] of cases) {
      expect([headers, (await send('GET', '/space/a.txt', { headers })).status]).toEqual([headers, status])
    }
  })
})

describe('the page of a directory', () => {
  it('lists what is there, escaped, with no script', async () => {
    const { send, volume } = await serve()
    await send('PUT', `/space/${encodeURIComponent('<b>"&\'.txt')}`, { body: 'x' })
    await volume.makeDirectory(volume.root, 'sub dir', 0o755)
    await volume.makeSymlink(volume.root, 'nowhere', 'none')
    const { status, text, headers } = await send('GET', '/space/')
    expect(status).toBe(200)
    expect(text).toContain('<a href="/space/%3Cb%3E%22%26%27.txt">&lt;b&gt;"&amp;\'.txt</a>')
    expect(text).toContain('<a href="/space/sub%20dir/">sub dir/</a>')
    expect(text).not.toContain('nowhere')
    expect(text).not.toMatch(/<script|<b>/)
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'/)
  })

  it('lists the spaces at the top', async () => {
    const { send } = await serve()
    expect((await send('GET', '/')).text).toContain('<a href="/space/">space/</a>')
  })

  it('lists more names than one page of the volume holds', async () => {
    const { send, volume } = await serve()
    for (let index = 0; index < 600; index += 1) await volume.makeDirectory(volume.root, `d${index}`, 0o755)
    expect((await send('GET', '/space/')).text.match(/<tr>/g)).toHaveLength(602)
  })
})

describe('OPTIONS', () => {
  it('tells what is understood, as Windows and macOS look for it', async () => {
    const { send } = await serve()
    const { status, headers } = await send('OPTIONS', '/space/')
    expect(status).toBe(200)
    expect(headers).toMatchObject({ dav: '1, 2, 3', 'ms-author-via': 'DAV' })
    expect(headers.allow?.split(', ')).toEqual(expect.arrayContaining(['PROPFIND', 'LOCK', 'PUT', 'MKCOL']))
    expect((await send('OPTIONS', '*')).status).toBe(200)
    expect((await send('POST', '/space/')).status).toBe(405)
  })
})
