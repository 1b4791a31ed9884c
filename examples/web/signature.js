// Lets the component in by signatures, which this page's server makes.

export function letIn(config) {
  // The component asks before the first upload, and again when the signature has less than ten minutes left.
  config.secureUploadsSignatureResolver = async () => {
    const answer = await fetch('/signature', { method: 'POST' })
    if (!answer.ok) throw new Error(`no signature: ${answer.status}`)
    return answer.json()
  }
}
