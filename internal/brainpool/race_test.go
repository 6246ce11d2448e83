//go:build race

package brainpool

// raceDetector tells that this test binary looks for data races, which makes arithmetic about eight times slower.
const raceDetector = true
