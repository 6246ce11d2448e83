package hsmtest

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

//go:embed testdata/count.c
var source []byte

// Counter is a module that counts the calls on their way to another one. A process uses it with Env in its environment.
type Counter struct {
	Module string // path of the library
	Behind string // path of the module that it passes the calls to
	Log    string // path of the file with the calls
}

// NewCounter builds the module in dir with gcc.
func NewCounter(dir, behind string) (*Counter, error) {
	where, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/miekg/pkcs11").Output()
	if err != nil {
		return nil, fmt.Errorf("find the headers of PKCS#11: %w", err)
	}
	c := &Counter{Module: filepath.Join(dir, "count.so"), Behind: behind, Log: filepath.Join(dir, "calls")}
	cmd := exec.Command("gcc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-I", strings.TrimSpace(string(where)), "-o", c.Module, "-x", "c", "-", "-ldl")
	cmd.Stdin = bytes.NewReader(source)
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the counting module: %w\n%s", err, out)
	}
	return c, os.WriteFile(c.Log, nil, 0o600)
}

// Env is what a process that uses the module needs in its environment.
func (c *Counter) Env() []string {
	return []string{"COUNT_MODULE=" + c.Behind, "COUNT_LOG=" + c.Log}
}

// Call is one call, as the module behind answered it.
type Call struct {
	Process int
	Name    string // "C_OpenSession"
	Code    uint   // return value; 0 is CKR_OK
	Session uint64
	Data    string // C_Sign: the last 33 octets of what was signed, in hex
}

// Calls reads what was counted until now.
func (c *Counter) Calls() ([]Call, error) {
	text, err := os.ReadFile(c.Log)
	if err != nil {
		return nil, err
	}
	var calls []Call
	for line := range strings.Lines(string(text)) {
		f := append(strings.Fields(line), "")
		if len(f) < 5 {
			return nil, fmt.Errorf("the counting module wrote %q", line)
		}
		process, err1 := strconv.Atoi(f[0])
		code, err2 := strconv.ParseUint(f[2], 16, 64)
		session, err3 := strconv.ParseUint(f[3], 16, 64)
		if err1 != nil || err2 != nil || err3 != nil {
			return nil, fmt.Errorf("the counting module wrote %q", line)
		}
		calls = append(calls, Call{process, f[1], uint(code), session, f[4]})
	}
	return calls, nil
}

// Open counts the sessions that are open now, by process, in processes that have not finalized the module. A process that was
// killed has the sessions that it had.
func Open(calls []Call) map[int]int {
	open := map[int]int{}
	for _, c := range calls {
		switch {
		case c.Code != 0:
		case c.Name == "C_OpenSession":
			open[c.Process]++
		case c.Name == "C_CloseSession":
			open[c.Process]--
		case c.Name == "C_CloseAllSessions", c.Name == "C_Finalize":
			open[c.Process] = 0
		}
	}
	return open
}

// Count counts the calls of a name, whatever their answer.
func Count(calls []Call, name string) int {
	n := 0
	for _, c := range calls {
		if c.Name == name {
			n++
		}
	}
	return n
}
