package sqlite_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/store/sqlite"
	"github.com/siegel-pki/siegel/internal/store/storetest"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// The variables that turn the test binary into the process that is killed.
const (
	crashFile  = "SIEGEL_TEST_CRASH_FILE"  // the database
	crashRound = "SIEGEL_TEST_CRASH_ROUND" // keeps the orders of the rounds apart
)

// TestAcknowledgedSurvivesKill kills a process with SIGKILL that writes from many goroutines, several times on the same database.
// Whatever the process had acknowledged before must be there afterwards, card by card, and the store must be sound.
func TestAcknowledgedSurvivesKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "siegel.db")
	acknowledged := map[string]int{}
	for round := range 5 {
		lines := runAndKill(t, path, round, 100+round*37)
		s := open(t, path)
		for _, line := range lines {
			verb, _, _ := strings.Cut(line, " ")
			acknowledged[verb]++
			checkAcknowledged(t, s, line)
		}
		if err := storetest.Check(t.Context(), s); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
		for _, a := range openAttempts(t, s) {
			entry := tlog.Entry{Kind: tlog.AttemptAbandoned, At: a.At, Actor: "siegeld", Facts: []byte("{}")}
			if err := s.Abandon(t.Context(), a.ID, a.At, entry); err != nil {
				t.Errorf("abandon what the dead process left open: %v", err)
			}
		}
		closeStore(t, s)
		checkFile(t, path)
	}
	for _, verb := range []string{"intended", "completed", "abandoned"} {
		if acknowledged[verb] < 5 {
			t.Errorf("only %d attempts were %s before the kills; the test shows nothing", acknowledged[verb], verb)
		}
	}
	t.Logf("acknowledged before the kills: %v", acknowledged)
}

// runAndKill starts the test binary as a writer, kills it in the middle of its work when it has acknowledged a number of verbs,
// and gives the lines it wrote.
func runAndKill(t *testing.T, path string, round, after int) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashFile+"="+path, crashRound+"="+strconv.Itoa(round))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for in := bufio.NewReader(stdout); ; {
		line, err := in.ReadString('\n')
		if err != nil {
			break // a line that the kill cut short was not acknowledged
		}
		lines = append(lines, strings.TrimSpace(line))
		if len(lines) == after {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Exited() {
		t.Fatalf("the writer ended by itself (%v): %s", err, stderr.Bytes())
	}
	return lines
}

// crashIfChild is the other process. It never returns there.
func crashIfChild() {
	path := os.Getenv(crashFile)
	if path == "" {
		return
	}
	round, err := strconv.Atoi(os.Getenv(crashRound))
	if err == nil {
		err = writeUntilKilled(path, round)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// writeUntilKilled intends, completes and abandons, and acknowledges each verb on standard output after it has returned.
func writeUntilKilled(path string, round int) error {
	ctx := context.Background()
	s, err := sqlite.Open(ctx, path)
	if err != nil {
		return err
	}
	if err := storetest.AddIssuers(ctx, s); err != nil {
		return err
	}
	var out sync.Mutex
	acknowledge := func(format string, args ...any) {
		out.Lock()
		defer out.Unlock()
		fmt.Printf(format+"\n", args...)
	}
	failed := make(chan error)
	for worker := range 8 {
		go func() {
			for n := 0; ; n++ {
				if err := writeOne(ctx, s, round*1_000_000+worker*100_000+n, acknowledge); err != nil {
					failed <- err
				}
			}
		}()
	}
	return <-failed
}

// writeOne makes one order; every fourth is abandoned.
func writeOne(ctx context.Context, s *sqlite.Store, order int, acknowledge func(string, ...any)) error {
	in := storetest.NewIntent(order, 1)
	if err := s.Intend(ctx, in, storetest.NewEntry(tlog.OrderRecorded, in)); err != nil {
		return err
	}
	acknowledge("intended %d", order)
	if order%4 == 3 {
		if err := s.Abandon(ctx, in.Attempt, in.At, storetest.NewEntry(tlog.AttemptAbandoned, in)); err != nil {
			return err
		}
		acknowledge("abandoned %d", order)
		return nil
	}
	done := storetest.NewCompletion(in)
	numbers, err := s.Complete(ctx, done, storetest.NewEntry(tlog.CardIssued, in))
	if err != nil {
		return err
	}
	summary, err := json.Marshal(done.Card(numbers).CardSummary)
	if err != nil {
		return err
	}
	acknowledge("completed %d %s", order, summary)
	return nil
}

// checkAcknowledged looks for what a line says.
func checkAcknowledged(t *testing.T, s *sqlite.Store, line string) {
	t.Helper()
	f := strings.SplitN(line, " ", 3)
	order, err := strconv.Atoi(f[1])
	if err != nil {
		t.Fatalf("line %q: %v", line, err)
	}
	in := storetest.NewIntent(order, 1)
	state, err := s.Order(t.Context(), in.OrderID)
	if err != nil {
		t.Errorf("acknowledged %q, but: %v", line, err)
		return
	}
	switch f[0] {
	case "abandoned":
		if state.Open != nil || state.Card != nil {
			t.Errorf("acknowledged %q, but the order is %+v", line, state)
		}
	case "completed":
		var want ca.CardSummary
		if err := json.Unmarshal([]byte(f[2]), &want); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		if state.Card == nil || state.Card.CardSummary != want {
			t.Errorf("acknowledged %q, but the order is %+v", line, state)
			return
		}
		for i, data := range storetest.NewCompletion(in).Certificates {
			if !reflect.DeepEqual(state.Card.Certs[i].Data, data) {
				t.Errorf("acknowledged %q, but certificate %d is %q, want %q", line, i, state.Card.Certs[i].Data, data)
			}
		}
	}
}

func openAttempts(t *testing.T, s *sqlite.Store) []ca.OpenAttempt {
	t.Helper()
	list, err := s.OpenAttempts(t.Context())
	if err != nil {
		t.Fatalf("OpenAttempts = %v, want nil", err)
	}
	return list
}
