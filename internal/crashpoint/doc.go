// Package crashpoint names the moments between two effects of a run, at each of
// which a test kills the program: see acceptance/crash.
//
// All effects leave the program through a connection, which Transport watches,
// or through a call that changes a file, before which the code calls Reach.
// internal/architecture tests that no call is without. In a program that was
// built without the tag crashpoints both do nothing.
package crashpoint

// Published is the moment at which a file is in its place, as Reach names it.
const Published = "published"
