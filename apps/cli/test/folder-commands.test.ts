import type { FolderInfo, LiveFolders } from '@dittofs/interface'
import { describe, expect, it } from 'vitest'
import { runCli } from './support/run-cli.ts'

const FOLDER: FolderInfo = {
  id: 'f1',
  directory: '/files/Photos',
  space: { id: '00'.repeat(32) as never, name: 'home' },
  path: '',
  mode: 'two-way',
  state: 'idle',
  files: 1200,
  bytes: 5 * 1024 ** 3,
  waitingFiles: 0,
  problems: [],
  problemCount: 0,
}

function withFolders(folders: Partial<LiveFolders>) {
  return { device: { folders: folders as LiveFolders } }
}

describe('link', () => {
  it('names the directory absolutely and passes on space, path and mode', async () => {
    const calls: unknown[][] = []
    const { status, stdout } = await runCli(
      ['link', 'Photos', '--path', 'pictures', '--mode', 'receive', '--space', 'home'],
      withFolders({
        link: async (...given) => {
          calls.push(given)
          return { ...FOLDER, path: 'pictures', mode: 'receive' }
        },
      }),
    )
    expect(status).toBe(0)
    expect(calls).toEqual([['/files/Photos', { path: 'pictures', mode: 'receive', space: 'home' }]])
    expect(stdout).toBe('/files/Photos is a live folder of the space home, directory "pictures", receiving only.\n')
  })

  it('refuses a mode that there is not', async () => {
    const { status, stderr } = await runCli(['link', 'Photos', '--mode', 'sideways'], withFolders({}))
    expect(status).toBe(2)
    expect(stderr).toContain('two-way, receive, send')
  })

  it('says that a daemon is needed to keep the folder in step', async () => {
    const { stderr } = await runCli(['link', 'Photos'], {
      ...withFolders({ link: async () => FOLDER }),
      isDaemon: false,
    })
    expect(stderr).toContain('Start "dittofs daemon"')
  })
})

describe('folders', () => {
  it('says how to make one where there is none', async () => {
    const { stdout } = await runCli(['folders'], withFolders({ list: async () => [] }))
    expect(stdout).toBe('No live folders; "dittofs link DIRECTORY" makes one.\n')
  })

  it('shows state, progress, a change that waits, and problems without anything that a name could do', async () => {
    const folder: FolderInfo = {
      ...FOLDER,
      state: 'syncing',
      waitingFiles: 2,
      progress: { stepsDone: 10, stepsTotal: 1210, bytesDone: 1024, bytesTotal: 4096, etaMs: 42_000 },
      held: { direction: 'in', deletes: 900, replaces: 0, files: 1200 },
      problems: [{ path: 'a\u001b[2J', code: 'DITTO_UNSUPPORTED', reason: 'It is a FIFO.' }],
      problemCount: 3,
    }
    const { stdout } = await runCli(['folders'], withFolders({ list: async () => [folder] }))
    expect(stdout).toBe(
      [
        '/files/Photos  (home)',
        '  syncing: 10 of 1,210 steps, 1.00 KiB of 4.00 KiB, 0:42 to go',
        '  1,200 files, 5.00 GiB in step; 2 files to come',
        '  A change made by others would delete 900 and replace 0 of 1,200 files; it waits. "dittofs plan" shows it, "dittofs resume --accept" does it.',
        '  ! a\\u{1b}[2J: It is a FIFO.',
        '  ! and 2 more; --json has them',
        '',
      ].join('\n'),
    )
  })

  it('says why a folder is paused', async () => {
    const paused: FolderInfo = { ...FOLDER, state: 'paused', reason: 'The directory is not there.' }
    const { stdout } = await runCli(['folders'], withFolders({ list: async () => [paused] }))
    expect(stdout).toContain('paused: The directory is not there.')
  })
})

describe('pause, resume and rescan', () => {
  it('mean all folders when none is named', async () => {
    const calls: unknown[] = []
    const keep = async (...given: unknown[]) => {
      calls.push(given[0])
      return [FOLDER]
    }
    const options = withFolders({ pause: keep, resume: keep, rescan: keep })
    for (const words of [['pause'], ['resume', '--accept'], ['rescan', 'Photos']]) await runCli(words, options)
    expect(calls).toEqual([undefined, undefined, '/files/Photos'])
  })
})

describe('plan', () => {
  it('shows each step with its direction', async () => {
    const { stdout } = await runCli(
      ['plan'],
      withFolders({
        plan: async () => [
          { direction: 'out', what: 'create', path: 'new.txt', kind: 'file' },
          { direction: 'in', what: 'move', path: 'b', from: 'a', kind: 'directory', isWaiting: true },
        ],
      }),
    )
    expect(stdout).toBe('-> create     new.txt\n<- move       a -> b/  (its content has to come first)\n')
  })

  it('says so when there is nothing to do', async () => {
    const { stdout } = await runCli(['plan'], withFolders({ plan: async () => [] }))
    expect(stdout).toBe('Nothing to do.\n')
  })
})

describe('why and ignored', () => {
  it('tell the trail of a path in order', async () => {
    const { stdout } = await runCli(
      ['why', 'Photos/cat.jpg'],
      withFolders({
        why: async (path, options) => [
          {
            at: Date.UTC(2026, 0, 2, 3, 4, 5),
            what: 'done',
            path: `${options?.directory}/${path}`,
            text: 'Edited there.',
          },
        ],
      }),
    )
    expect(stdout).toBe('2026-01-02 03:04:05  done  /files/Photos/cat.jpg  Edited there.\n')
  })

  it('name the pattern and its line', async () => {
    const { stdout } = await runCli(
      ['ignored', 'Photos'],
      withFolders({
        ignored: async () => [{ path: 'x.o', isDirectory: false, pattern: '*.o', file: '.dittoignore', line: 3 }],
      }),
    )
    expect(stdout).toBe('x.o  (*.o, .dittoignore:3)\n')
  })
})
