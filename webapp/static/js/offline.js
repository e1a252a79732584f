// What is shown while there is no connection is kept by the browser (service-worker.js).

navigator.serviceWorker?.register("/service-worker.js").catch(() => {
  // It works without.
});
