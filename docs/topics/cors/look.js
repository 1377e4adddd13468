// Tells all that a script may learn about an answer.
export async function look(url, options = {}) {
  try {
    const answer = await fetch(url, options);
    return {
      type: answer.type,
      status: answer.status,
      headers: [...answer.headers.keys()],
      text: await answer.text(),
    };
  } catch (error) {
    return String(error);
  }
}
