// Opens files of a project with `delivery = "signed"`, by tokens that this page's server makes: one for each file, which opens the
// file, its thumbnail, and all that the editor asks for.

// Well before the thirty minutes for which a token is good.
const RENEWAL_MILLISECONDS = 20 * 60 * 1000

const tokens = new Map()

async function newToken(uuid) {
  const answer = await fetch(`/delivery-token?uuid=${uuid}`, { method: 'POST' })
  if (!answer.ok) throw new Error(`no token for ${uuid}: ${answer.status}`)
  return answer.text()
}

function tokenOf(uuid) {
  const known = tokens.get(uuid)
  if (known && Date.now() < known.renewal) return known.token
  const token = newToken(uuid)
  // The next address of this file asks again.
  token.catch(() => tokens.delete(uuid))
  tokens.set(uuid, { token, renewal: Date.now() + RENEWAL_MILLISECONDS })
  return token
}

export function openFiles(config) {
  config.secureDeliveryProxyUrlResolver = async (url, { uuid }) => `${url}?token=${await tokenOf(uuid)}`
}
