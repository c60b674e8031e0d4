import { DittoError, isDittoError, type VolumeEntry } from '@dittofs/interface'
import { checkConditions, requestedResource } from '../checks.ts'
import type { Exchange } from '../exchange.ts'
import { HttpError } from '../http-error.ts'
import { requireLock } from '../lock-check.ts'
import { MultistatusWriter, type PropertyStatus, propertyElement } from '../multistatus-writer.ts'
import { type PropertyName, propertyKey } from '../properties/property-name.ts'
import { type PropertyPlan, parseProppatch, planProppatch } from '../properties/proppatch-request.ts'
import { readXmlBody } from '../request-body.ts'
import { formatHref } from '../request-path.ts'
import type { ServedVolume } from '../served-volume.ts'

/** PROPPATCH: all steps, or none. */
export async function proppatch(exchange: Exchange): Promise<void> {
  const { state, holder, path, response, signal } = exchange
  const steps = parseProppatch(await readXmlBody(exchange))
  const resource = await requestedResource(exchange)
  const { entry, served } = resource
  if (entry === undefined) throw new HttpError(404, 'There is nothing at this URL.')
  checkConditions(exchange, resource)
  requireLock(state.locks, path, holder)
  const plan = planProppatch(steps, entry.attributes)
  const names = [...new Map<string, PropertyName>(steps.map((step) => [propertyKey(step), step])).values()]
  const isFull = plan.refused.size === 0 && !(await apply(served, entry, plan))
  const writer = new MultistatusWriter(response, signal)
  await writer.start()
  await writer.properties(formatHref(path, entry.attributes.kind === 'directory'), statuses(names, plan, isFull))
  await writer.end()
}

/** @returns whether it was done; not when there is no room for the properties, and then nothing was changed */
async function apply({ volume, properties }: ServedVolume, { handle, attributes }: VolumeEntry, plan: PropertyPlan) {
  const isChange = plan.attributes.mode !== undefined || plan.attributes.mtimeNs !== undefined
  if (isChange) await volume.setAttributes(handle, plan.attributes)
  try {
    await properties.update(handle, plan.change)
    return true
  } catch (error) {
    if (isChange) {
      const { mode, mtimeNs } = attributes
      await volume.setAttributes(handle, attributes.kind === 'file' ? { mode, mtimeNs } : { mtimeNs })
    }
    if (isDittoError(error, 'DITTO_LIMIT')) return false
    throw error instanceof DittoError
      ? error
      : new DittoError('DITTO_IO', 'Properties were not kept.', { cause: error })
  }
}

function statuses(names: readonly PropertyName[], plan: PropertyPlan, isFull: boolean): PropertyStatus[] {
  const element = ({ namespace, name }: PropertyName) => propertyElement(namespace, name, '')
  if (plan.refused.size === 0) return [{ status: isFull ? 507 : 200, elements: names.map(element) }]
  const others = names.filter((name) => !plan.refused.has(propertyKey(name)))
  return [
    ...names.flatMap((name) => {
      const fault = plan.refused.get(propertyKey(name))
      return fault === undefined ? [] : [{ ...fault, elements: [element(name)] }]
    }),
    ...(others.length > 0 ? [{ status: 424, elements: others.map(element) }] : []),
  ]
}
