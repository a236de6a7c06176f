// What outlives a visit: theme and corrections. Pages may be opened where nothing can be stored.
export function load(key, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(`audiotagger ${key}`)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

export function store(key, value) {
  try {
    localStorage.setItem(`audiotagger ${key}`, JSON.stringify(value));
  } catch {
    // it lasts as long as the page is open
  }
}
