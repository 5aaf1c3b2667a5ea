import { z } from 'zod'
import { line } from './fields.ts'
import { KIND } from './kinds.ts'
import { publicKind } from './layers.ts'

const announcementContent = z.object({ name: line(100, 1), about: line(500) })
export type Announcement = z.infer<typeof announcementContent>

/** NIP-89: "this identity handles events of kind 36450", so that other Nostr apps find providers. */
export const announcement = publicKind({
  name: 'announcement',
  kind: KIND.ANNOUNCEMENT,
  schema: announcementContent,
  tags: () => [['k', String(KIND.JOB)]],
  addressable: true,
})
