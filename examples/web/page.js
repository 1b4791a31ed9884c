// With a bundler, import from '@uploadcare/file-uploader', and its style from '@uploadcare/file-uploader/index.css'.
import * as UC from '/uploader.js'

UC.defineComponents(UC)

// The component asks before the first upload, and again when the signature has less than ten minutes left.
document.querySelector('uc-config').secureUploadsSignatureResolver = async () => {
  const answer = await fetch('/signature', { method: 'POST' })
  if (!answer.ok) throw new Error(`no signature: ${answer.status}`)
  return answer.json()
}

const uploads = document.querySelector('uc-upload-ctx-provider')

function show(file, outcome, text) {
  const item = document.createElement('li')
  item.className = outcome
  item.textContent = `${file.name}: ${text}`
  document.querySelector('#uploads').append(item)
}

uploads.addEventListener('file-upload-success', ({ detail: file }) => show(file, 'uploaded', file.uuid))
uploads.addEventListener('file-upload-failed', ({ detail: file }) =>
  show(file, 'refused', file.errors.map(({ message }) => message).join(' ')),
)
