package build

import (
	"runtime/debug"
	"testing"
)

func TestDescribe(t *testing.T) {
	const revision = "0123456789abcdef0123456789abcdef01234567"
	settings := func(modified string) []debug.BuildSetting {
		return []debug.BuildSetting{{Key: "vcs.revision", Value: revision}, {Key: "vcs.modified", Value: modified}}
	}
	tests := []struct {
		name    string
		version string
		vcs     []debug.BuildSetting
		want    string
	}{
		{"release", "v1.2.3", settings("false"), "v1.2.3, revision 0123456789ab, go1.26.1"},
		{"commit without a tag", "v0.0.0-20261124120000-0123456789ab+dirty", settings("true"), "v0.0.0-20261124120000-0123456789ab+dirty, go1.26.1"},
		{"working copy", "(devel)", settings("true"), "(devel), revision 0123456789ab with changes, go1.26.1"},
		{"installed from the module proxy", "v1.2.3", nil, "v1.2.3, go1.26.1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			info := &debug.BuildInfo{GoVersion: "go1.26.1", Main: debug.Module{Version: tt.version}, Settings: tt.vcs}
			if got := describe(info); got != tt.want {
				t.Errorf("describe = %q, want %q", got, tt.want)
			}
		})
	}
	if Version() == "unknown" {
		t.Error("the toolchain recorded nothing about this test")
	}
}
