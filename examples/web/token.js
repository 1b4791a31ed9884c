// Lets the component in by access tokens, which this page's server makes. The component has no setting for tokens yet, so this
// adds the header to its requests: it makes all of them by XMLHttpRequest.

// Well before the thirty minutes for which a token is good.
const RENEWAL_MILLISECONDS = 20 * 60 * 1000

async function newToken() {
  const answer = await fetch('/token', { method: 'POST' })
  if (!answer.ok) throw new Error(`no token: ${answer.status}`)
  return answer.text()
}

// An import of this module waits for the first token.
let token = await newToken()
setInterval(async () => (token = await newToken()), RENEWAL_MILLISECONDS)

export function letIn(config) {
  const intake = new URL(config.getAttribute('base-url')).origin
  const { open } = XMLHttpRequest.prototype
  XMLHttpRequest.prototype.open = function (method, url, ...rest) {
    open.call(this, method, url, ...rest)
    const { origin, pathname } = new URL(url, location.href)
    // Other hosts never receive the token. URLs of parts have signatures of their own.
    const needsToken = origin === intake && !pathname.startsWith('/parts/')
    if (needsToken) this.setRequestHeader('Authorization', `Bearer ${token}`)
  }
}
