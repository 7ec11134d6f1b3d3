//go:build race

package engine_test

// raceDetector tells whether the tests are run with it.
const raceDetector = true
