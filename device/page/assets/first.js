// Before everything else: the token of this boot comes in the address behind #, which is sent to nobody, and leaves the address bar at once.
// Alone and not a module, so that a page whose other files break off can load itself anew and still be let in.

const brought = location.hash.slice(1);
if (brought) {
  localStorage.setItem("daka-token", brought);
  history.replaceState(null, "", "/");
}
