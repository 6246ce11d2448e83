package hsmtest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/siegel-pki/siegel/hsm/softhsm"
)

// clients are the places where systems put p11-kit's client module.
var clients = []string{
	"/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so",
	"/usr/lib/aarch64-linux-gnu/pkcs11/p11-kit-client.so",
	"/usr/lib64/pkcs11/p11-kit-client.so",
	"/usr/lib/pkcs11/p11-kit-client.so",
	"/opt/homebrew/lib/pkcs11/p11-kit-client.so",
}

// Device is a token behind `p11-kit server`, as a network HSM is: the module that a process loads speaks to a server, and each
// connection has a process of its own at the device's side. Killing them is pulling the plug.
type Device struct {
	Client string // path of the module to use
	socket string
	module string
	env    []string
	cmd    *exec.Cmd
	log    bytes.Buffer
}

// NewDevice makes the device, switched off. module is the one that the device loads, with env in its environment.
func NewDevice(socket, module string, env ...string) (*Device, error) {
	for _, c := range clients {
		if _, err := os.Stat(c); err == nil {
			return &Device{Client: c, socket: socket, module: module, env: env}, nil
		}
	}
	return nil, errors.New("p11-kit's client module is missing: install the package p11-kit-modules")
}

// Env is what a process that uses the device needs in its environment.
func (d *Device) Env() string { return "P11_KIT_SERVER_ADDRESS=unix:path=" + d.socket }

// URI names a SoftHSM token that is in the device.
func (d *Device) URI(t *softhsm.Token) string { return strings.Replace(t.URI(), t.Module, d.Client, 1) }

// Start switches the device on. It is there when Start returns.
func (d *Device) Start() error {
	if err := os.Remove(d.socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	d.cmd = exec.Command("p11-kit", "server", "--foreground", "--name", d.socket, "--provider", d.module, "pkcs11:")
	d.cmd.Env = append(os.Environ(), d.env...)
	d.cmd.Stderr = &d.log
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // its children go with it
	if err := d.cmd.Start(); err != nil {
		return fmt.Errorf("start p11-kit server (package p11-kit): %w", err)
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if _, err := os.Stat(d.socket); err == nil {
			return nil
		}
	}
	return errors.Join(errors.New("p11-kit server does not come up"), d.Kill())
}

// Kill pulls the plug: the server and the processes of all connections end at once.
func (d *Device) Kill() error {
	if d.cmd == nil {
		return nil
	}
	err := syscall.Kill(-d.cmd.Process.Pid, syscall.SIGKILL)
	_ = d.cmd.Wait() // it was killed, and says so
	d.cmd = nil
	return err
}

// Log is what the device wrote to standard error; after Kill only.
func (d *Device) Log() string { return d.log.String() }
