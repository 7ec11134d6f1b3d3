// Package leak has no code, only the test that hunts for leaks: it runs the
// built program with a distinct secret in every place where one can enter,
// with every command, against upstreams and servers that repeat what they are
// sent, and searches everything that comes out for any of the secrets, in any
// form.
//
// What it derives rather than lists: the sensitive attributes, from the tables;
// the commands, from the program. One that nobody has thought of here fails the
// hunt.
package leak
