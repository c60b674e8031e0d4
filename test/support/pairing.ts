import type { ProcessDevice } from './process-device.ts'

/** Pairs two running devices as people do: a ticket from one, typed at the other. */
export async function pair(inviter: ProcessDevice, joiner: ProcessDevice, ...inviteArgs: string[]): Promise<void> {
  const ticket = (await inviter.must('invite', ...inviteArgs)).trim()
  await joiner.must('join', ticket)
}

/** Where a running device listens, as `--peer` takes it. */
export function peerAddress(device: ProcessDevice): string {
  const address = device.ready?.addresses.find((candidate) => candidate.startsWith('tcp://127.0.0.1:'))
  if (address === undefined) throw new Error(`${device.name} does not listen on 127.0.0.1`)
  return address.slice('tcp://'.length)
}
