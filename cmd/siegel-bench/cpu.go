package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// cpuUse is processor time, by who used it. It is read from /proc, so that it is zero where there is none.
type cpuUse struct {
	client   time.Duration // this process
	server   time.Duration // siegeld
	database time.Duration // PostgreSQL
}

func (u cpuUse) since(before cpuUse) cpuUse {
	return cpuUse{u.client - before.client, u.server - before.server, u.database - before.database}
}

func (u cpuUse) total() time.Duration { return u.client + u.server + u.database }

// perCard gives a time for one of n cards, in milliseconds.
func perCard(d time.Duration, n int) float64 {
	if n == 0 {
		return 0
	}
	return d.Seconds() * 1e3 / float64(n)
}

// clockTick is the unit of processor time in /proc: USER_HZ is 100 on every architecture that Go knows.
const clockTick = 10 * time.Millisecond

// process is a line of /proc.
type process struct {
	parent int
	name   string
	used   time.Duration
	memory int64 // resident, in octets
}

// processes lists this process and those that it started, by their ids.
func processes() map[int]process { return processesUnder(os.Getpid()) }

// processesUnder lists a process and those that it started.
func processesUnder(root int) map[int]process {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil
	}
	all := map[int]process{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		open, closed := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')') // the name may hold anything
		if open < 0 || closed < open {
			continue
		}
		fields := strings.Fields(string(text[closed+1:]))
		if len(fields) < 22 {
			continue
		}
		number := func(i int) int64 { n, _ := strconv.ParseInt(fields[i], 10, 64); return n }
		pid, _ := strconv.Atoi(strings.TrimSpace(string(text[:open])))
		all[pid] = process{int(number(1)), string(text[open+1 : closed]), time.Duration(number(11)+number(12)) * clockTick,
			number(21) * int64(os.Getpagesize())}
	}
	for pid := range all {
		up := pid
		for up > 1 && up != root {
			up = all[up].parent
		}
		if up <= 1 {
			defer delete(all, pid) // others may need it to find their way up
		}
	}
	return all
}

// useOfCPU adds up what this process and those that it started have used.
func useOfCPU() (u cpuUse) {
	for pid, p := range processes() {
		switch {
		case pid == os.Getpid():
			u.client += p.used
		case p.name == "siegeld":
			u.server += p.used
		case p.name == "postgres":
			u.database += p.used
		}
	}
	return u
}

// cpuOf is the processor time of one process.
func cpuOf(pid int) time.Duration { return processesUnder(pid)[pid].used }

// cpuUnder is that of a process and of those that it started, as far as they run. Zero for no process.
func cpuUnder(root int) (used time.Duration) {
	if root == 0 {
		return 0
	}
	for _, p := range processesUnder(root) {
		used += p.used
	}
	return used
}

// serverMemory is the resident memory of the server, in octets.
func serverMemory() (octets int64) {
	for _, p := range processes() {
		if p.name == "siegeld" {
			octets += p.memory
		}
	}
	return octets
}

// statusOf gives a size of a process, for example "VmHWM:", in octets; 0 where the system does not tell.
func statusOf(pid int, what string) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, what); ok {
			kib, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return kib << 10
		}
	}
	return 0
}
