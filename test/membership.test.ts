import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { onLoopback } from './support/lan.ts'
import { pair, peerAddress } from './support/pairing.ts'
import type { ProcessDevice } from './support/process-device.ts'

interface Invitation {
  readonly id: string
  readonly ticket: string
  readonly state: string
  readonly waiting: readonly { readonly id: string; readonly name: string; readonly digits: string }[]
}

const CLI_ENTRY = path.resolve('apps/cli/bin/dittofs.js')

/** A join that waits for a person at the other device, with the digits it shows. */
async function joinAndWait(device: ProcessDevice, ticket: string) {
  const joining = spawn(process.execPath, [CLI_ENTRY, 'join', ticket, '--json'], {
    env: { ...process.env, DITTOFS_HOME: device.home },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(joining, 'close') as Promise<[number | null]>
  let stdout = ''
  let stderr = ''
  joining.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  const digits = await new Promise<string>((resolve, reject) => {
    joining.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
      const shown = /\d{3} \d{3}/.exec(stderr)?.[0]
      if (shown !== undefined) resolve(shown)
    })
    void ended.then(() => {
      reject(new Error(`it ended without any digits: ${stderr}`))
    })
  })
  return { digits, outcome: ended.then(([status]) => ({ status, stdout })) }
}

async function addText(device: ProcessDevice, directory: string, as: string): Promise<void> {
  const source = path.join(directory, `source of ${path.basename(as)}`)
  await writeFile(source, `content of ${as}`)
  await device.must('add', source, '--as', as)
}

describe('a ticket that has to be confirmed', () => {
  it('lets a device in after a yes to the digits it shows, and none after a no', async () => {
    const directory = await temporaryDirectory()
    const [alice, bob, carol] = onLoopback(directory, ['alice', 'bob', 'carol'])
    await alice.start()
    await bob.start()

    const first = await alice.json<Invitation>('invite', '--confirm')
    const toBob = await joinAndWait(bob, first.ticket)
    const [listed] = await alice.json<Invitation[]>('invite', '--list')
    expect(listed?.waiting).toMatchObject([{ name: 'bob', digits: toBob.digits.replace(' ', '') }])
    expect((await alice.run('invite', 'confirm', first.id, '000', '0000')).status).toBe(4)
    await alice.must('invite', 'confirm', first.id, ...toBob.digits.split(' '))
    const joined = await toBob.outcome
    expect(joined.status).toBe(0)
    expect(JSON.parse(joined.stdout)).toMatchObject({ space: { name: 'home' }, peer: { name: 'alice' } })

    // Without a daemon as well.
    const second = await alice.json<Invitation>('invite', '--confirm')
    const toCarol = await joinAndWait(carol, second.ticket)
    await alice.must('invite', '--revoke', second.id)
    const refused = await toCarol.outcome
    expect(refused.status).toBe(1)
    expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: 'DITTO_TICKET_UNCONFIRMED' } })
    expect(await alice.json<unknown[]>('devices')).toHaveLength(2)
  })
})

describe('members who took each other out', () => {
  it('go on with a new space of what they have', async () => {
    const directory = await temporaryDirectory()
    const [alice, bob] = onLoopback(directory, ['alice', 'bob'])
    await alice.start()
    await bob.start()
    await pair(alice, bob)
    await addText(alice, directory, 'papers/plan.txt')
    await bob.must('sync', '--timeout', '300')
    await bob.must('sync', '--timeout', '300')
    await alice.stop()
    await bob.stop()
    const idOf = async (device: ProcessDevice) => (await device.json<{ device: { id: string } }>('status')).device.id
    const [aliceId, bobId] = [await idOf(alice), await idOf(bob)]
    await alice.must('devices', 'remove', bobId)
    await bob.must('devices', 'remove', aliceId)

    // Without a daemon, and with one.
    await alice.must('spaces', 'adopt', 'home', '--as', 'ours')
    await bob.start()
    expect(await bob.json('spaces', 'adopt', 'home')).toMatchObject({
      space: { name: 'home-2', members: 1, files: 1, missingBytes: 0 },
      skipped: [],
    })
    await alice.start()
    await pair(alice, bob, '--space', 'ours')
    const output = path.join(directory, 'got')
    await bob.must('sync', '--timeout', '300')
    await bob.must('get', 'papers/plan.txt', '--space', 'ours', '-o', output)
    expect(await readFile(output, 'utf8')).toBe('content of papers/plan.txt')
  })
})

describe('changes by a removed device', () => {
  it('that come through a member who had not heard of it are told by status', async () => {
    const directory = await temporaryDirectory()
    const [alice, bob, carol] = onLoopback(directory, ['alice', 'bob', 'carol'])
    for (const device of [alice, bob, carol]) await device.start()
    await pair(alice, bob)
    await pair(alice, carol)
    await bob.must('sync', '--timeout', '300')
    await bob.stop()
    await bob.start('--peer', peerAddress(carol))
    await bob.must('sync', '--timeout', '300')

    await alice.stop()
    await alice.must('devices', 'remove', 'bob')
    await addText(bob, directory, 'late.txt')
    await bob.must('sync', '--timeout', '300')
    expect(await carol.json<{ path: string }[]>('list')).toMatchObject([{ path: 'late.txt' }])
    await bob.stop()

    await alice.start('--peer', peerAddress(carol))
    await alice.must('sync', '--timeout', '300')
    const { notices } = await alice.json<{ notices: string[] }>('status')
    expect(notices.join('\n')).toMatch(
      /change.* by a removed device came after its removal, "bob" \(.+\) in the space "home"/,
    )
    expect(await alice.json<{ path: string }[]>('list')).toMatchObject([{ path: 'late.txt' }])
  })
})
