// Package collect reads a Databrain instance for an audit: the list of the data apps,
// then the API tokens of each app.
//
// # What is believed of a list
//
// The API documents neither a total nor an end of a list, nor what a request without
// isPagination gives. A list that lacks entries looks like a complete one, and would
// resolve the findings on what it lacks. So the request says isPagination=false, and an
// answer is believed only as far as something else confirms it:
//
//   - The list of the data apps is always checked, and so is a list of tokens that has
//     ten entries or more, or five: a page, or an answer that a limit cuts. The page on
//     which the list ends is asked for. It has to be as long as what is left, and to
//     bring nothing new. That a page has ten entries is checked too, once in a run.
//   - A list that lacks an entry which the last run knew is checked the same way,
//     whatever its length, so that no finding resolves on the word of one answer.
//   - A list that repeats an entry, or that the check contradicts, is read in pages to
//     the first empty one, twice. Both passes have to agree and to hold all that the
//     first answer held. If the pages repeat an entry as well, while one is missing that
//     the last run knew, the repetition may have taken its place.
//   - A shorter list of tokens is believed, because the length of a page is documented
//     as ten.
//   - An instance that answers every page with the whole list cannot be checked. Its
//     list is believed unless its length is a multiple of 10 or 25, as limits are.
//   - An entry without a name or key is skipped and counted; so is the second of two
//     entries that have one key and differ. The rest is read, but the list is not
//     complete.
//
// A list that is not confirmed is a gap of class decode. A token that only shows another
// key under the same name and creation time is not gone; package finding sees to that.
package collect
