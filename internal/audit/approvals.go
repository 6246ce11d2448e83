package audit

import (
	"fmt"

	"github.com/siegel-pki/siegel/internal/tlog"
)

// approvals check acts that need two people. They are few, so that all are remembered.
type approvals map[string]*approval

type approval struct {
	act, parameters, asked string // parameters by their hash
	approved, used, over   bool
}

// request takes what a person asks for.
func (a approvals) request(f *tlog.ApprovalRequestFacts) string {
	if a[f.Approval] != nil {
		return fmt.Sprintf("request %s is made a second time", f.Approval)
	}
	a[f.Approval] = &approval{act: f.Act, parameters: f.ParametersSHA256, asked: f.Person}
	return ""
}

// same gives a request, and says what is wrong where the entry is about another one. begun says that every request is in the export.
func (a approvals) same(id, act, parameters string, begun bool) (*approval, string) {
	was := a[id]
	switch {
	case was == nil && begun:
		return nil, fmt.Sprintf("request %s was not made before", id)
	case was == nil:
		return nil, ""
	case was.act != act || was.parameters != parameters:
		return nil, fmt.Sprintf("request %s was made for another act or with other parameters", id)
	case was.used || was.over:
		return nil, fmt.Sprintf("request %s was used, rejected or expired before", id)
	}
	return was, ""
}

// give takes an approval.
func (a approvals) give(f *tlog.ApprovalDecisionFacts, begun bool) string {
	was, wrong := a.same(f.Approval, f.Act, f.ParametersSHA256, begun)
	switch {
	case was == nil:
		return wrong
	case was.asked == f.Person:
		return fmt.Sprintf("%s approves what the same person asked for", f.Person)
	}
	was.approved = true
	return ""
}

// end takes a rejection or an expiry.
func (a approvals) end(id, act, parameters string, begun bool) string {
	was, wrong := a.same(id, act, parameters, begun)
	if was != nil {
		was.over = true
	}
	return wrong
}

// use takes the doing of what was approved.
func (a approvals) use(f *tlog.ApprovalEndFacts, begun bool) string {
	was, wrong := a.same(f.Approval, f.Act, f.ParametersSHA256, begun)
	switch {
	case was == nil:
		return wrong
	case !was.approved:
		return fmt.Sprintf("request %s is used, and nobody approved it", f.Approval)
	}
	was.used = true
	return ""
}

// allowed says what is wrong with a session that names a request as its reason.
func (a approvals) allowed(id string, begun bool) string {
	switch was := a[id]; {
	case id == "" || was == nil && !begun:
		return ""
	case was == nil:
		return fmt.Sprintf("the key session was opened by request %s, which was not made before", id)
	case !was.approved:
		return fmt.Sprintf("the key session was opened by request %s, which nobody approved", id)
	}
	return ""
}
