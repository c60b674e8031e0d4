import type { Clock } from '@dittofs/interface'
import { systemClock } from '@dittofs/interface'
import { describe, expect, it } from 'vitest'
import { fixedCredentials } from '../src/credentials.ts'
import { parseMultistatus } from './support/multistatus.ts'
import { contentOf, namesIn, type Served, serve } from './support/serve.ts'

type Send = Pick<Served, 'send'>
const lockBody = (scope: string) =>
  `<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:${scope}/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner><D:href>me</D:href></D:owner></D:lockinfo>`

async function lock({ send }: Send, path: string, headers: Record<string, string> = {}, scope = 'exclusive') {
  const answer = await send('LOCK', path, { headers, body: lockBody(scope) })
  const token = /^<(.+)>$/.exec(String(answer.headers['lock-token'] ?? ''))?.[1]
  return { status: answer.status, token: token as string, text: answer.text }
}

async function status(
  { send }: Send,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: string,
) {
  return (await send(method, path, { headers, ...(body === undefined ? {} : { body }) })).status
}

/** A gateway whose time stands still until it is moved. */
async function serveAt() {
  let nowMs = 1_000_000
  const clock: Clock = {
    now: () => nowMs,
    monotonic: () => nowMs,
    sleep: (ms, options) => systemClock.sleep(ms, options),
  }
  const served = await serve({ clock })
  return { ...served, pass: (seconds: number) => (nowMs += seconds * 1000) }
}

describe('an exclusive lock', () => {
  it('keeps everybody without its token from changing a file, and nobody from reading it', async () => {
    const served = await serve()
    await served.send('PUT', '/space/a', { body: 'one' })
    const { token, status: locked, text } = await lock(served, '/space/a')
    expect(locked).toBe(200)
    expect(text).toContain('<D:href>me</D:href>')
    expect(await status(served, 'PUT', '/space/a', {}, 'two')).toBe(423)
    expect(await status(served, 'DELETE', '/space/a')).toBe(423)
    expect(await status(served, 'MOVE', '/space/a', { destination: '/space/b' })).toBe(423)
    const patch = '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x/></D:prop></D:set></D:propertyupdate>'
    expect(await status(served, 'PROPPATCH', '/space/a', {}, patch)).toBe(423)
    expect(await status(served, 'GET', '/space/a')).toBe(200)
    expect(await status(served, 'COPY', '/space/a', { destination: '/space/b' })).toBe(201)
    expect(await status(served, 'COPY', '/space/b', { destination: '/space/a' })).toBe(423)
    expect(await status(served, 'PUT', '/space/a', { if: `(<${token}>)` }, 'two')).toBe(204)
    expect(await status(served, 'UNLOCK', '/space/a', { 'lock-token': `<${token}>` })).toBe(204)
    expect(await status(served, 'PUT', '/space/a', {}, 'three')).toBe(204)
  })

  it('names itself to whom it stands against', async () => {
    const served = await serve()
    await served.send('PUT', '/space/a%20b')
    await lock(served, '/space/a%20b')
    const { text } = await served.send('PUT', '/space/a%20b', { body: 'x' })
    expect(text).toContain('<D:lock-token-submitted><D:href>/space/a%20b</D:href></D:lock-token-submitted>')
    const found = parseMultistatus((await served.send('PROPFIND', '/space/a%20b', { headers: { depth: '0' } })).text)
    expect(found[0]?.properties[200]?.get('lockdiscovery')?.children).toHaveLength(1)
  })

  it('stands against every other one, and shared ones only against it', async () => {
    const served = await serve()
    await served.send('PUT', '/space/a')
    const one = await lock(served, '/space/a', {}, 'shared')
    const two = await lock(served, '/space/a', {}, 'shared')
    expect((await lock(served, '/space/a')).status).toBe(423)
    expect(await status(served, 'PUT', '/space/a', {}, 'x')).toBe(423)
    expect(await status(served, 'PUT', '/space/a', { if: `(<${two.token}>)` }, 'x')).toBe(204)
    for (const { token } of [one, two]) await status(served, 'UNLOCK', '/space/a', { 'lock-token': `<${token}>` })
    expect((await lock(served, '/space/a')).status).toBe(200)
    expect((await lock(served, '/space/a', {}, 'shared')).status).toBe(423)
  })

  it('ends with its time, and lives on when it is refreshed', async () => {
    const served = await serveAt()
    await served.send('PUT', '/space/a')
    const { token, text } = await lock(served, '/space/a', { timeout: 'Infinite, Second-100' })
    expect(text).toContain('<D:timeout>Second-3600</D:timeout>')
    served.pass(3000)
    const refreshed = await served.send('LOCK', '/space/a', { headers: { if: `(<${token}>)`, timeout: 'Second-50' } })
    expect([refreshed.status, refreshed.headers['lock-token']]).toEqual([200, undefined])
    expect(refreshed.text).toContain('<D:timeout>Second-50</D:timeout>')
    served.pass(49)
    expect(await status(served, 'PUT', '/space/a', {}, 'x')).toBe(423)
    served.pass(2)
    expect(await status(served, 'PUT', '/space/a', {}, 'x')).toBe(204)
    expect(await status(served, 'PUT', '/space/a', { if: `(<${token}>)` }, 'x')).toBe(412)
    expect(await status(served, 'LOCK', '/space/a', { if: `(<${token}>)` })).toBe(412)
  })

  it('serves only whom it was given to', async () => {
    const verify = fixedCredentials({ users: { alice: 'a', bob: 'b' } })
    const served = await serve({ verify, isLoopbackOpen: false })
    const as = (user: string, password: string) => ({ authorization: `Basic ${btoa(`${user}:${password}`)}` })
    const [alice, bob] = [as('alice', 'a'), as('bob', 'b')]
    await served.send('PUT', '/space/a', { headers: alice })
    const { token } = await lock(served, '/space/a', alice)
    expect(await status(served, 'PUT', '/space/a', { ...bob, if: `(<${token}>)` }, 'x')).toBe(423)
    expect(await status(served, 'UNLOCK', '/space/a', { ...bob, 'lock-token': `<${token}>` })).toBe(403)
    expect(await status(served, 'PUT', '/space/a', { ...alice, if: `(<${token}>)` }, 'x')).toBe(204)
  })
})

describe('a lock where nothing is', () => {
  it('makes an empty file, as the clients want it that lock before they write', async () => {
    const served = await serve()
    const { status: locked, token } = await lock(served, '/space/new')
    expect(locked).toBe(201)
    expect(await contentOf(served.volume, 'new')).toBe('')
    expect(await status(served, 'PUT', '/space/new', { if: `(<${token}>)` }, 'x')).toBe(204)
    expect((await lock(served, '/space/none/new')).status).toBe(409)
  })
})

describe('a lock of a directory', () => {
  it('of depth infinity holds for all below, also for what is made later', async () => {
    const served = await serve()
    await served.send('MKCOL', '/space/d')
    const { token } = await lock(served, '/space/d/')
    expect(await status(served, 'PUT', '/space/d/a', {}, 'x')).toBe(423)
    expect(await status(served, 'MKCOL', '/space/d/e')).toBe(423)
    expect(await status(served, 'MKCOL', '/space/d/e', { if: `</space/d/> (<${token}>)` })).toBe(201)
    expect(await status(served, 'PUT', '/space/d/e/a', { if: `(<${token}>)` }, 'x')).toBe(201)
    expect((await lock(served, '/space/d/e/a')).status).toBe(423)
    expect(await status(served, 'UNLOCK', '/space/d/e', { 'lock-token': `<${token}>` })).toBe(204)
  })

  it('of depth 0 holds for its names, not for what they hold', async () => {
    const served = await serve()
    await served.send('MKCOL', '/space/d')
    await served.send('PUT', '/space/d/a', { body: 'x' })
    await lock(served, '/space/d', { depth: '0' })
    expect(await status(served, 'PUT', '/space/d/a', {}, 'y')).toBe(204)
    expect(await status(served, 'PUT', '/space/d/b', {}, 'y')).toBe(423)
    expect(await status(served, 'DELETE', '/space/d/a')).toBe(423)
    expect((await lock(served, '/space/d/a', { depth: '1' })).status).toBe(400)
  })

  it('is not given while something below is locked, and says what', async () => {
    const served = await serve()
    await served.send('MKCOL', '/space/d')
    await served.send('PUT', '/space/d/a', { body: 'x' })
    const { token } = await lock(served, '/space/d/a')
    const answer = await served.send('LOCK', '/space/d', { body: lockBody('exclusive') })
    expect(parseMultistatus(answer.text).map(({ href, status: of }) => [href, of])).toEqual([
      ['/space/d/a', 423],
      ['/space/d/', 424],
    ])
    const removal = await served.send('DELETE', '/space/d')
    expect(parseMultistatus(removal.text).map(({ href, status: of }) => [href, of])).toEqual([['/space/d/a', 423]])
    expect(await namesIn(served.volume, 'd')).toEqual(['a'])
    expect(await status(served, 'DELETE', '/space/d', { if: `</space/d/a> (<${token}>)` })).toBe(204)
    await served.send('MKCOL', '/space/d')
    expect((await lock(served, '/space/d')).status).toBe(200)
  })
})

describe('locks', () => {
  it('stay at their URL when what was there is moved away', async () => {
    const served = await serve()
    await served.send('PUT', '/space/a', { body: 'x' })
    const { token } = await lock(served, '/space/a')
    const headers = { if: `(<${token}>)`, destination: '/space/b' }
    expect(await status(served, 'MOVE', '/space/a', headers)).toBe(201)
    expect(await status(served, 'PUT', '/space/b', {}, 'y')).toBe(204)
    expect((await lock(served, '/space/a')).status).toBe(201)
  })

  it('are refused as what RFC 4918 does not know', async () => {
    const served = await serve()
    await served.send('PUT', '/space/a')
    expect(await status(served, 'LOCK', '/space/a', {}, '<x/>')).toBe(400)
    expect(await status(served, 'LOCK', '/space/a', {}, lockBody('half'))).toBe(422)
    expect(await status(served, 'LOCK', '/space/a')).toBe(412)
    expect(await status(served, 'UNLOCK', '/space/a')).toBe(400)
    expect(await status(served, 'UNLOCK', '/space/a', { 'lock-token': '<x:y>' })).toBe(409)
    expect(await status(served, 'PUT', '/space/a', { if: 'nonsense' }, 'x')).toBe(400)
  })
})

describe('an If header', () => {
  it('holds when one of its lists holds, for this URL or for the tagged one', async () => {
    const served = await serve()
    await served.send('PUT', '/space/a', { body: 'x' })
    const { token } = await lock(served, '/space/a')
    const etag = String((await served.send('HEAD', '/space/a')).headers.etag)
    const cases: [header: string, status: number][] = [
      [`(<${token}> [${etag}])`, 200],
      [`(<${token}> ["other"])`, 412],
      [`(["other"]) (<${token}>)`, 200],
      ['(<DAV:no-lock>)', 412],
      ['(Not <DAV:no-lock>)', 200],
      [`</space/b> (<${token}>)`, 412],
      [`<http://127.0.0.1:${served.port}/space/a> (<${token}>)`, 200],
      [`<http://elsewhere/space/a> (<${token}>)`, 412],
      [`</none/a> (Not ["x"])`, 200],
    ]
    for (const [header, expected] of cases) {
      expect([header, await status(served, 'GET', '/space/a', { if: header })]).toEqual([header, expected])
    }
  })
})
