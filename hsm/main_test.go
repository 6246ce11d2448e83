package hsm_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/siegel-pki/siegel/hsm/softhsm"
)

// soft is the token of the tests in this package. It holds the keys that a test creates until the tests end.
var soft *softhsm.Token

// socket is where devices of the tests are, one at a time: p11-kit's client module looks for the address once in a process.
var socket string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "hsm-test-")
	if err == nil {
		soft, err = softhsm.New(filepath.Join(dir, "token"), "hsm test")
	}
	if err == nil {
		err = soft.Use()
	}
	if err == nil {
		socket = filepath.Join(dir, "device")
		err = os.Setenv("P11_KIT_SERVER_ADDRESS", "unix:path="+socket)
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
