const pause = 2000; // milliseconds before another try, unless the gateway says how long

// call is fetch for pages without a library. It asks again while the gateway cannot be
// reached or says that it is worth a try; any other refusal is thrown, with the
// gateway's own sentence.
async function call(url, init, tries = 100) {
  for (;;) {
    const answer = await fetch(url, init).catch(() => null);
    const body = answer ? await answer.text().catch(() => null) : null;
    if (answer?.ok && body !== null) return body ? JSON.parse(body) : {};
    if (!passing(body === null ? 0 : answer.status) || --tries <= 0) throw new Error(sentence(body));
    const wait = 1000 * answer?.headers.get("Retry-After") || pause;
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}
