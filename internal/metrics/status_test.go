package metrics

import (
	"slices"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/ca"
)

// TestStatus: each kind of OCSP answer has its figure.
func TestStatus(t *testing.T) {
	m := New("v1")
	var counts ca.StatusCounts
	m.WatchStatus(&counts)
	counts.Good.Add(3)
	counts.Kept.Add(2)
	counts.TryLater.Add(1)
	got := slices.DeleteFunc(read(t, m), func(l string) bool { return !strings.HasPrefix(l, "siegel_ocsp_") })
	requireLines(t, got, `
siegel_ocsp_answers_total{status="good"} 3
siegel_ocsp_answers_total{status="internalError"} 0
siegel_ocsp_answers_total{status="kept"} 2
siegel_ocsp_answers_total{status="malformedRequest"} 0
siegel_ocsp_answers_total{status="revoked"} 0
siegel_ocsp_answers_total{status="tryLater"} 1
siegel_ocsp_answers_total{status="unauthorized"} 0
siegel_ocsp_answers_total{status="unknown"} 0`)
}
