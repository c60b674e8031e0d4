import type { ContentLedger } from './content-ledger.ts'
import type { Inode, MemoryDisk } from './memory-disk.ts'

/** Few names, so that everything happens to everything; some equal but for their case, one in another normal form. */
const NAMES = ['a', 'b', 'c', 'A', 'x.txt', 'é'.normalize('NFD'), 'd']
const OPERATIONS = [
  ...['create', 'create', 'create', 'mkdir', 'mkdir', 'overwrite', 'overwrite', 'append', 'save', 'save', 'link'],
  ...['moveFile', 'moveFile', 'moveDirectory', 'moveDirectory', 'moveDirectory', 'swap', 'chain', 'remove'],
  ...['removeTree', 'replaceKind', 'changeCase', 'chmod', 'touch', 'clobber', 'turnOver', 'copyTree'],
] as const

type Found = { readonly names: readonly string[]; readonly inode: Inode }

export interface PersonInit {
  readonly device: string
  /** The live folder, where the device has several. */
  readonly folder?: string
  /** The directory of the space that the live folder mirrors. */
  readonly root: string
  readonly disk: MemoryDisk
  readonly random: () => number
  readonly ledger: ContentLedger
  readonly nextNumber: () => number
  readonly log: (text: string) => void
  /** Names in the root that are neither moved nor deleted. */
  readonly fixed: readonly string[]
}

/** Somebody who works on a disk: makes, saves, moves and deletes, without asking anyone. */
export class Person {
  readonly #init: PersonInit

  constructor(init: PersonInit) {
    this.#init = init
  }

  act(): void {
    const { disk } = this.#init
    const operation = this.#pick(OPERATIONS)
    const whole = [...disk.files()].filter(({ names }) => names[0]?.startsWith('.dittofs') !== true)
    // Directories that are live folders of their own elsewhere stay where they are.
    const all = whole.filter(({ names }) => names.length > 1 || !this.#init.fixed.includes(names[0] as string))
    const files = all.filter(({ inode }) => inode.kind === 'file')
    const directories = all.filter(({ inode }) => inode.kind === 'directory')
    const file = files.length === 0 ? undefined : this.#pick(files)
    const directory = directories.length === 0 ? undefined : this.#pick(directories)
    const homes = [[], ...whole.filter(({ inode }) => inode.kind === 'directory').map(({ names }) => names)]
    this.#do(operation, all, homes, directories, file, directory)
    disk.flush()
  }

  #do(
    operation: (typeof OPERATIONS)[number],
    all: readonly Found[],
    homes: readonly (readonly string[])[],
    directories: readonly Found[],
    file: Found | undefined,
    directory: Found | undefined,
  ): void {
    const { disk } = this.#init
    const free = () => this.#free(homes)
    if (operation === 'create') this.#write(free(), 'creates')
    else if (operation === 'mkdir') this.#note('makes directory', this.#made(free()))
    else if (operation === 'link') {
      const names = free()
      disk.put(names, { kind: 'symlink', text: this.#pick(NAMES), mode: 0o777, mtimeNs: 7n })
      this.#note('links', names)
    } else if (operation === 'removeTree' && directory !== undefined) this.#remove(directory)
    else if (operation === 'moveDirectory' && directory !== undefined) this.#moveInto(directory, directories)
    else if (operation === 'turnOver' && directory !== undefined) this.#turnOver(directory)
    else if (operation === 'copyTree' && directory !== undefined) this.#replaceTree(directory)
    else if (operation === 'replaceKind' && all.length > 0) {
      const found = this.#pick(all)
      this.#remove(found)
      if (found.inode.kind === 'directory') this.#write(found.names, 'puts in its place')
      else {
        disk.makeDirectory(found.names)
        this.#write([...found.names, 'in'], 'puts below')
      }
    } else if (operation === 'changeCase' && all.length > 0) this.#changeCase(this.#pick(all))
    else if (operation === 'chain' && all.length > 2) this.#chain(all)
    else if (file !== undefined) this.#doFile(operation, file, all, free)
  }

  #doFile(operation: string, { names, inode }: Found, all: readonly Found[], free: () => readonly string[]): void {
    const { disk, ledger, device } = this.#init
    const old = inode.text
    if (operation === 'overwrite') {
      ledger.replaced(old, device, this.#note('overwrites', names))
      this.#write(names, 'writes', old)
    } else if (operation === 'append') {
      ledger.replaced(old, device, this.#note('appends to', names))
      const { mtimeNs } = inode
      const text = `${old} and ${this.#init.nextNumber()}`
      disk.write(names, text, mtimeNs)
      ledger.written(text, this.#note('appended', names), old)
    } else if (operation === 'save') {
      ledger.replaced(old, device, this.#note('saves over', names))
      const aside = [...names.slice(0, -1), `.saving ${this.#init.nextNumber()}`]
      const text = this.#write(aside, 'writes', old)
      disk.rename(aside, names)
      this.#note(`saved ${text} as`, names)
    } else if (operation === 'moveFile') {
      const to = free()
      ledger.touched(old, this.#note(`moves to ${to.join('/')}`, names))
      disk.rename(names, to)
    } else if (operation === 'clobber') {
      const other = this.#pick(all.filter(({ inode: { kind } }) => kind === 'file'))
      if (other.inode === inode) return
      ledger.replaced(other.inode.text, device, this.#note(`is put in place of ${other.names.join('/')}`, names))
      ledger.touched(old, 'moved')
      disk.rename(names, other.names)
    } else if (operation === 'swap') {
      const other = this.#pick(all.filter(({ inode: { kind } }) => kind === 'file'))
      if (other.inode === inode) return
      const aside = [...names.slice(0, -1), `.swap ${this.#init.nextNumber()}`]
      ledger.touched(old, this.#note(`is swapped with ${other.names.join('/')}`, names))
      ledger.touched(other.inode.text, 'swapped')
      disk.rename(names, aside)
      disk.rename(other.names, names)
      disk.rename(aside, other.names)
    } else if (operation === 'remove') {
      this.#remove({ names, inode })
    } else if (operation === 'chmod') {
      ledger.touched(old, this.#note('changes mode of', names))
      disk.setAttributes(names, { mode: inode.mode === 0o644 ? 0o600 : 0o644 })
    } else if (operation === 'touch') {
      ledger.touched(old, this.#note('touches', names))
      disk.setAttributes(names, { mtimeNs: BigInt(this.#init.nextNumber()) * 1_000_003n })
    }
  }

  #made(names: readonly string[]): readonly string[] {
    this.#init.disk.makeDirectory(names)
    return names
  }

  #write(names: readonly string[], what: string, over?: string): string {
    const text = `content ${this.#init.nextNumber()}`
    this.#init.disk.write(names, text)
    this.#init.ledger.written(text, this.#note(`${what} ${text} at`, names), over)
    return text
  }

  #remove({ names, inode }: Found): void {
    const { disk, ledger, device } = this.#init
    const story = this.#note('removes', names)
    const going = [{ names, inode }, ...disk.files(names)]
    const texts = going.filter((found) => found.inode.kind === 'file').map((found) => found.inode.text)
    for (const text of texts) ledger.replaced(text, device, story)
    if (inode.kind === 'directory') ledger.changedTree({ device, path: this.#spacePath(names), texts: new Set(texts) })
    disk.remove(names)
  }

  #moveInto(directory: Found, directories: readonly Found[]): void {
    const elsewhere = directories.filter(
      ({ names }) => !`${names.join('/')}/`.startsWith(`${directory.names.join('/')}/`),
    )
    const to = this.#free([[], ...elsewhere.map(({ names }) => names)])
    this.#touchTree(directory.names, this.#note(`moves to ${to.join('/')}`, directory.names))
    this.#init.disk.rename(directory.names, to)
    const { device, disk, ledger } = this.#init
    const texts = [...disk.files(to)].map(({ inode }) => inode.text)
    ledger.changedTree({ device, path: this.#spacePath(to), texts: new Set(texts) })
  }

  #spacePath(names: readonly string[]): string {
    const { root } = this.#init
    return [...(root === '' ? [] : [root]), ...names].map((name) => name.normalize('NFC')).join('/')
  }

  /** a/b becomes b/a. */
  #turnOver({ names, inode }: Found): void {
    const { disk } = this.#init
    const inner = [...inode.children].find(([, { kind }]) => kind === 'directory')
    if (inner === undefined) return
    const aside = [...names.slice(0, -1), `turned ${this.#init.nextNumber()}`]
    this.#touchTree(names, this.#note(`turns over with ${inner[0]}`, names))
    disk.rename([...names, inner[0]], aside)
    const name = this.#freeName(aside)
    disk.rename(names, [...aside, name])
    disk.rename(aside, names)
  }

  /** Deletes a directory and puts another of its name there, with something in it. */
  #replaceTree(directory: Found): void {
    this.#remove(directory)
    this.#init.disk.makeDirectory(directory.names)
    this.#write([...directory.names, this.#pick(NAMES)], 'puts into the new directory')
  }

  #changeCase({ names }: Found): void {
    const name = names.at(-1) as string
    const other = name === name.toUpperCase() ? name.toLowerCase() : name.toUpperCase()
    const to = [...names.slice(0, -1), other]
    // Two spellings of one name side by side are reported, and not synced.
    const isTaken = [other.normalize('NFC'), other.normalize('NFD')].some(
      (spelling) => this.#init.disk.at([...names.slice(0, -1), spelling]) !== undefined,
    )
    if (other === name || isTaken) return
    this.#touchTree(names, this.#note(`becomes ${other}`, names))
    this.#init.disk.rename(names, to)
  }

  /** Each of some entries gets the name of the next. */
  #chain(all: readonly Found[]): void {
    const { disk } = this.#init
    const parent = this.#pick(all).names.slice(0, -1)
    const siblings = [...(disk.at(parent)?.children.keys() ?? [])].filter((name) => !name.startsWith('.dittofs'))
    if (siblings.length < 2 || (parent.length === 0 && siblings.some((name) => this.#init.fixed.includes(name)))) return
    for (const name of siblings) this.#touchTree([...parent, name], this.#note('is shifted', [...parent, name]))
    const aside = siblings.map(() => `shifted ${this.#init.nextNumber()}`)
    for (const [at, name] of siblings.entries()) disk.rename([...parent, name], [...parent, aside[at] as string])
    for (const [at, name] of aside.entries()) {
      disk.rename([...parent, name], [...parent, siblings[(at + 1) % siblings.length] as string])
    }
  }

  #touchTree(names: readonly string[], story: string): void {
    const { disk, ledger } = this.#init
    const top = disk.at(names)
    if (top?.kind === 'file') ledger.touched(top.text, story)
    for (const { inode } of disk.files(names)) if (inode.kind === 'file') ledger.touched(inode.text, story)
  }

  #free(directories: readonly (readonly string[])[]): readonly string[] {
    const directory = this.#pick(directories)
    return [...directory, this.#freeName(directory)]
  }

  #freeName(directory: readonly string[]): string {
    const there = this.#init.disk.at(directory)?.children
    const free = NAMES.filter((name) => there?.has(name) !== true && there?.has(name.normalize('NFC')) !== true)
    return free.length > 0 ? this.#pick(free) : `n${this.#init.nextNumber()}`
  }

  #note(what: string, names: readonly string[]): string {
    const { device, folder } = this.#init
    const story = `${folder === undefined ? device : `${device} ${folder}`} ${what} ${names.join('/')}`
    this.#init.log(story)
    return story
  }

  #pick<T>(values: readonly T[]): T {
    return values[Math.floor(this.#init.random() * values.length)] as T
  }
}
