a = `<?xml version='1.0'?><svg></svg>`;
