/** What a packet filter is set to, as its tool prints it. */
export type FirewallRules =
  | { readonly kind: 'nft'; readonly json: unknown }
  | { readonly kind: 'iptables'; readonly text: string }

const MAX_DROPS = 8
const DROPS = ['drop', 'reject']
const OUR_CHAIN_HOOKS = ['input', 'output']

interface Chain {
  readonly label: string
  readonly hook: string
  readonly policy: string
  readonly rules: readonly Rule[]
}

interface Rule {
  readonly isDrop: boolean
  readonly isAccept: boolean
  /** `udp 5353` for each port it is about; empty where it names none. */
  readonly ports: readonly string[]
  /** Whether it has conditions beside ports. */
  readonly isNarrow: boolean
}

/**
 * Rules that drop packets to one of our ports, and chains that drop whatever no rule accepts and accept none of ours.
 * Reads only the plain forms; jumps, sets and marks are passed over, so nothing found is no proof.
 *
 * @param wanted - as `udp 5353`
 * @returns for each a few words
 */
export function findDrops(rules: FirewallRules, wanted: readonly string[]): string[] {
  const chains = rules.kind === 'nft' ? chainsOfNft(rules.json) : chainsOfIptables(rules.text)
  return chains.flatMap((chain) => dropsIn(chain, wanted)).slice(0, MAX_DROPS)
}

function dropsIn(chain: Chain, wanted: readonly string[]): string[] {
  const open = new Set(wanted)
  const dropped: string[] = []
  for (const { isDrop, isAccept, ports, isNarrow } of chain.rules) {
    if (isNarrow) continue
    const met = [...open].filter((port) => ports.length === 0 || ports.includes(port))
    for (const port of met) if (isDrop || isAccept) open.delete(port)
    if (isDrop) dropped.push(...met)
  }
  const lines = dropped.length === 0 ? [] : [`a rule in ${chain.label} drops ${dropped.join(', ')}`]
  const isOutput = chain.hook === 'output'
  if (DROPS.includes(chain.policy) && open.size > 0) {
    lines.push(`${chain.label} drops ${isOutput ? 'what is sent' : 'what comes in'} unless a rule accepts it`)
  }
  return lines
}

function chainsOfNft(json: unknown): Chain[] {
  const objects = listOf(fieldOf(json, 'nftables'))
  const rules = objects.flatMap((object) => fieldOf(object, 'rule') ?? [])
  return objects.flatMap((object): Chain[] => {
    const chain = fieldOf(object, 'chain')
    const hook = fieldOf(chain, 'hook')
    if (typeof hook !== 'string' || !OUR_CHAIN_HOOKS.includes(hook)) return []
    const key = ['family', 'table'].map((name) => textOf(fieldOf(chain, name)))
    const name = textOf(fieldOf(chain, 'name'))
    const own = rules.filter(
      (rule) =>
        textOf(fieldOf(rule, 'chain')) === name &&
        ['family', 'table'].every((field, index) => textOf(fieldOf(rule, field)) === key[index]),
    )
    return [
      {
        label: `the chain ${[...key, name].join(' ')}`,
        hook,
        policy: textOf(fieldOf(chain, 'policy')),
        rules: own.map((rule) => ruleOfNft(listOf(fieldOf(rule, 'expr')))),
      },
    ]
  })
}

function ruleOfNft(expressions: readonly unknown[]): Rule {
  const ports: string[] = []
  let isNarrow = false
  for (const expression of expressions) {
    const match = fieldOf(expression, 'match')
    if (match === undefined) {
      if (['drop', 'reject', 'accept', 'counter', 'log'].some((name) => fieldOf(expression, name) !== undefined))
        continue
      isNarrow = true
      continue
    }
    const payload = fieldOf(fieldOf(match, 'left'), 'payload')
    const protocol = textOf(fieldOf(payload, 'protocol'))
    const isPort = fieldOf(payload, 'field') === 'dport' && fieldOf(match, 'op') === '=='
    if (!isPort) isNarrow = true
    else for (const port of portsOf(fieldOf(match, 'right'))) ports.push(`${protocol} ${String(port)}`)
  }
  const says = (name: string) => expressions.some((expression) => fieldOf(expression, name) !== undefined)
  return { isDrop: DROPS.some(says), isAccept: says('accept'), ports, isNarrow }
}

function portsOf(right: unknown): readonly unknown[] {
  const set = fieldOf(right, 'set')
  return set === undefined ? [right] : listOf(set)
}

function chainsOfIptables(text: string): Chain[] {
  const chains = new Map<string, { policy: string; rules: Rule[] }>()
  for (const line of text.split('\n')) {
    const [command, name = '', ...words] = line.trim().split(/\s+/)
    if (command === '-P') chains.set(name, { policy: (words[0] ?? '').toLowerCase(), rules: [] })
    if (command === '-A') chains.get(name)?.rules.push(ruleOfIptables(words))
  }
  return [...chains].flatMap(([name, { policy, rules }]) => {
    const hook = name.toLowerCase()
    return OUR_CHAIN_HOOKS.includes(hook) ? [{ label: `the chain ${name}`, hook, policy, rules }] : []
  })
}

/** Of `-p udp -m udp --dport 5353 -j DROP` the parts that say for whom; anything else makes a rule narrow. */
function ruleOfIptables(words: readonly string[]): Rule {
  const value = (option: string) => words[words.indexOf(option) + 1] ?? ''
  const has = (option: string) => words.includes(option)
  const known = ['-p', '-m', '--dport', '--dports', '-j', '--reject-with']
  const isNarrow = words.some((word) => (word.startsWith('-') && !known.includes(word)) || word === '!')
  const listed = has('--dport') ? value('--dport') : has('--dports') ? value('--dports') : ''
  const ports = listed === '' ? [] : listed.split(',').map((port) => `${value('-p')} ${port}`)
  const verdict = has('-j') ? value('-j').toLowerCase() : ''
  // All of one protocol, whatever the port, is more than this reads.
  return {
    isDrop: DROPS.includes(verdict),
    isAccept: verdict === 'accept',
    ports,
    isNarrow: isNarrow || (has('-p') && listed === ''),
  }
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return (value as Record<string, unknown>)[name]
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
