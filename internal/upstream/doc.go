// Package upstream is the HTTP client that every provider shares: connections,
// timeouts, retries, rate limits, proxies and certificates, and the rules for
// what may be said about a request that failed.
//
// On these endpoints the request and the answer are themselves the secrets.
// So nothing here puts a body, a header, a query or a user info into an error
// or a log line, and causes that could quote one are not wrapped.
//
// A [Pool] makes clients; [Send] sends one [Request] through a client and turns
// whatever goes wrong into a *failure.Error. What comes back is read with the
// types of fields that say what they tolerate, and an [Answer] that is no success
// is judged by a table of [Refusal] rows, in the order of the upstream's document.
package upstream
