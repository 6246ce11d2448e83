//go:build !race

package brainpool

const raceDetector = false
