// Package build says which build of the programs is running.
package build

import (
	"runtime/debug"
	"strings"
)

// Version names module version, revision and Go version, as the Go toolchain recorded them when it built the program, for example
// "v1.2.3, go1.26.1" or "(devel), revision 0123456789ab with changes, go1.26.1".
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return describe(info)
}

// shortRevision is how many digits of a revision are enough.
const shortRevision = 12

func describe(info *debug.BuildInfo) string {
	var revision, modified string
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			revision = s.Value[:min(len(s.Value), shortRevision)]
		case "vcs.modified":
			modified = s.Value
		}
	}
	text := info.Main.Version
	// The version of a commit that has no tag ends with the revision already.
	if revision != "" && !strings.Contains(text, revision) {
		text += ", revision " + revision
		if modified == "true" {
			text += " with changes"
		}
	}
	return text + ", " + info.GoVersion
}
