import { type ClientRequest, Agent as HttpAgent, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'

/** Begins a request; what it sends, and how long it waits, is its caller's to say. `https:` or else `http:`. */
export type Connect = (
  url: URL,
  options: { method: string; headers: Record<string, string> },
) => ClientRequest

/**
 * Connections that are kept for the next request, as long as their server keeps them. Over node:http, since `fetch` takes
 * twice the processor time for a small request, and copies a large body two or three times.
 */
export function keptConnections(): Connect {
  const agents = { http: new HttpAgent({ keepAlive: true }), https: new HttpsAgent({ keepAlive: true }) }
  return (url, options) =>
    url.protocol === 'https:'
      ? httpsRequest(url, { ...options, agent: agents.https })
      : httpRequest(url, { ...options, agent: agents.http })
}
