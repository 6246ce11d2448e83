package hsm_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/siegel-pki/siegel/hsm/softhsm"
)

// soft is the token of the tests in this package. It holds the keys that a test creates until the tests end.
var soft *softhsm.Token

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "hsm-test-")
	if err == nil {
		soft, err = softhsm.New(dir, "hsm test")
	}
	if err == nil {
		err = soft.Use()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "the tests need a SoftHSM token:", err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(dir)
		os.Exit(code)
	}))
}
