// Files of this project open for everyone who has their address: the component needs nothing for it.

export function openFiles() {}
