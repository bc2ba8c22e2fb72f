package exchange

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// syncItemsRequest asks for what is new in a folder.
func syncItemsRequest(folder, state string, most int, more string) string {
	return fmt.Sprintf(`<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>
<m:SyncFolderId><t:DistinguishedFolderId Id="%s"/></m:SyncFolderId>%s%s<m:MaxChangesReturned>%d</m:MaxChangesReturned></m:SyncFolderItems>`,
		folder, tag("m:SyncState", state), more, most)
}

// synced reads one page: each change as its kind and the item's id, in order.
func synced(t *testing.T, s *Server, folder, state string, most int) (changes []string, next string, last bool) {
	t.Helper()
	m := messageOf(t, s, syncItemsRequest(folder, state, most, ""))
	if got, want := names(m), "ResponseCode SyncState IncludesLastItemInRange Changes"; got != want {
		t.Errorf("a message of %q, want %q", got, want)
	}
	for _, c := range m.child(nsMessages, "Changes").all() {
		id := c.child(nsTypes, "ItemId")
		if id == nil { // Create and Update have the item
			id = c.children[0].child(nsTypes, "ItemId")
		}
		text, _ := id.attr("Id")
		changes = append(changes, c.name.Local+" "+text)
	}
	return changes, m.child(nsMessages, "SyncState").value(), m.child(nsMessages, "IncludesLastItemInRange").value() == "true"
}

func TestTheFirstSyncEnumeratesAFolderInPages(t *testing.T) {
	s := New(nil)
	made(t, s, Created, "inbox", "a", "b", "c", "d", "e")
	made(t, s, Created, "drafts", "elsewhere")
	made(t, s, Updated, "inbox", "a")
	made(t, s, Deleted, "inbox", "b")
	var all []string
	state := ""
	for _, want := range []struct {
		n    int
		last bool
	}{{2, false}, {2, true}} {
		changes, next, last := synced(t, s, "inbox", state, 2)
		if len(changes) != want.n || last != want.last || next == state || next == "" {
			t.Fatalf("a page of %q, last %t, want %+v; state %q after %q", changes, last, want, next, state)
		}
		all, state = append(all, changes...), next
	}
	if want := []string{"Create a", "Create c", "Create d", "Create e"}; !slices.Equal(all, want) {
		t.Errorf("all pages: %q, want %q", all, want)
	}
	if changes, _, last := synced(t, s, "inbox", state, 512); len(changes) != 0 || !last {
		t.Errorf("nothing has happened since, and the answer is %q, last %t", changes, last)
	}
}

func TestASyncTellsWhatBecameOfEachItem(t *testing.T) {
	s := New(nil)
	made(t, s, Created, "inbox", "changed", "read", "deleted", "recoverable", "moved", "untouched")
	_, state, _ := synced(t, s, "inbox", "", 512)
	_, archive, _ := synced(t, s, "drafts", "", 512)

	made(t, s, Created, "inbox", "new", "passing")
	changed(t, s, Change{Kind: Updated, Folder: Folder{Name: "inbox"}, ID: "changed", Data: propertiesOf(t, `{"Subject":"other"}`)})
	changed(t, s, Change{Kind: Updated, Folder: Folder{Name: "inbox"}, ID: "read", Data: propertiesOf(t, `{"Subject":"about read","IsRead":true}`)})
	made(t, s, Deleted, "inbox", "deleted", "passing")
	changed(t, s, Change{Kind: SoftDeleted, Folder: Folder{Name: "inbox"}, ID: "recoverable", NewID: "recoverable now"})
	changed(t, s, Change{Kind: Moved, Folder: Folder{Name: "inbox"}, ID: "moved", To: Folder{Name: "drafts"}, NewID: "moved now"})
	changed(t, s, Change{Kind: Copied, Folder: Folder{Name: "inbox"}, ID: "untouched", To: Folder{Name: "drafts"}, NewID: "copy"})

	got, _, _ := synced(t, s, "inbox", state, 512)
	slices.Sort(got)
	want := []string{"Create new", "Delete deleted", "Delete moved", "Delete recoverable", "ReadFlagChange read", "Update changed"}
	if !slices.Equal(got, want) {
		t.Errorf("inbox: %q, want %q", got, want)
	}
	if got, _, _ := synced(t, s, "drafts", archive, 512); !slices.Equal(got, []string{"Create moved now", "Create copy"}) {
		t.Errorf("where things went to: %q", got)
	}
	if got, _, _ := synced(t, s, "recoverableitemsdeletions", "", 512); !slices.Equal(got, []string{"Create recoverable now"}) {
		t.Errorf("what can be recovered: %q", got)
	}
}

func TestAReadFlagChangeSaysWhetherItIsRead(t *testing.T) {
	s := New(nil)
	made(t, s, Created, "inbox", "a")
	_, state, _ := synced(t, s, "inbox", "", 512)
	changed(t, s, Change{Kind: Updated, Folder: Folder{Name: "inbox"}, ID: "a", Data: propertiesOf(t, `{"Subject":"about a","IsRead":true}`)})
	c := messageOf(t, s, syncItemsRequest("inbox", state, 512, "")).at("Changes", "ReadFlagChange")
	if names(c) != "ItemId IsRead" || c.child(nsTypes, "IsRead").value() != "true" {
		t.Errorf("%s", c.raw)
	}
}

func TestASyncStateThatIsNoneIsRefused(t *testing.T) {
	s := New(nil)
	made(t, s, Created, "inbox", "a", "b")
	_, state, _ := synced(t, s, "inbox", "", 1)
	for name, bad := range map[string]string{
		"cut off":          state[:len(state)/2],
		"another folder's": second(synced(t, s, "drafts", "", 512)),
		"not base64":       "no state",
		"the service's":    "H4sIAAAAAAAEAO29B2AcSZYlJi9tynt",
	} {
		m := refusedWith(t, s, syncItemsRequest("inbox", bad, 512, ""), "ErrorInvalidSyncStateData")
		if got, want := names(m), "MessageText ResponseCode DescriptiveLinkKey SyncState IncludesLastItemInRange"; got != want {
			t.Errorf("%s: a message of %q, want %q", name, got, want)
		}
	}
	if !s.ForgetSyncStates(alex) {
		t.Error("alex has no mailbox")
	}
	refusedWith(t, s, syncItemsRequest("inbox", state, 512, ""), "ErrorInvalidSyncStateData")
	if changes, _, _ := synced(t, s, "inbox", "", 512); len(changes) != 2 {
		t.Errorf("from the beginning: %q", changes)
	}
}

func second(_ []string, state string, _ bool) string { return state }

func TestAFolderThatCannotBeSynchronized(t *testing.T) {
	s := New(nil)
	if _, err := s.CreateFolder(alex, Folder{Name: "Projects", Class: "IPF.Note"}, Folder{Name: "inbox"}); err != nil {
		t.Fatal(err)
	}
	byID := func(id string) string {
		return strings.ReplaceAll(syncItemsRequest("X", "", 1, ""), `<t:DistinguishedFolderId Id="X"/>`, `<t:FolderId Id="`+id+`"/>`)
	}
	id := s.FolderID(alex, Folder{Name: "Projects"})
	messageOf(t, s, byID(id))
	if err := s.DeleteFolder(alex, Folder{Name: "Projects"}); err != nil {
		t.Fatal(err)
	}
	refusedWith(t, s, byID(id), "ErrorSyncFolderNotFound")
	refusedWith(t, s, byID("AAAA"), "ErrorSyncFolderNotFound")
	refusedWith(t, s, syncItemsRequest("favorites", "", 1, ""), "ErrorSyncFolderNotFound")
	refusedWith(t, s, byID("*"), "ErrorInvalidIdMalformed")
	refusedWith(t, s, byID(s.FolderID(alex, Folder{Name: allItems})), "ErrorInvalidFolderTypeForOperation")
}

func TestItemsToIgnoreAreLeftOut(t *testing.T) {
	s := New(nil)
	made(t, s, Created, "inbox", "a", "b")
	m := messageOf(t, s, syncItemsRequest("inbox", "", 512, `<m:Ignore><t:ItemId Id="a" ChangeKey="AQAAAA=="/></m:Ignore>`))
	if all := m.child(nsMessages, "Changes").all(); len(all) != 1 || !strings.Contains(string(all[0].raw), `"b"`) {
		t.Errorf("%s", m.raw)
	}
}

func TestASyncAsksForOneTo512Changes(t *testing.T) {
	s := New(nil)
	for most, want := range map[int]int{0: 500, 1: 200, 512: 200, 513: 500} {
		if status, answer := ask(t, s, syncItemsRequest("inbox", "", most, "")); status != want {
			t.Errorf("%d: status %d, want %d: %s", most, status, want, answer.raw)
		}
	}
	status, answer := ask(t, s, strings.Replace(syncItemsRequest("inbox", "", 1, ""), "m:MaxChangesReturned", "t:MaxChangesReturned", 2))
	if code := answer.at("detail", "ResponseCode").value(); status != http.StatusInternalServerError || code != "ErrorSchemaValidation" {
		t.Errorf("an element of another namespace: status %d, code %s", status, code)
	}
}

func TestTheShapeDecidesWhatIsSaidOfAnItem(t *testing.T) {
	s := New(nil)
	changed(t, s, Change{Kind: Created, Folder: Folder{Name: "inbox"}, ID: "mail", Data: propertiesOf(t, `{"Subject":"A & B","ReceivedDateTime":"2026-11-27T10:00:00Z"}`)})
	changed(t, s, Change{Kind: Created, Folder: Folder{Name: "calendar"}, ID: "event", Data: propertiesOf(t,
		`{"Subject":"Lunch","Start":{"DateTime":"2026-11-27T12:00:00","TimeZone":"UTC"},"End":"2026-11-27T13:00:00.5Z"}`)})
	with := func(folder, shape string) *node {
		request := strings.Replace(syncItemsRequest(folder, "", 1, ""), "<t:BaseShape>IdOnly</t:BaseShape>", shape, 1)
		return messageOf(t, s, request).at("Changes", "Create").children[0]
	}
	for _, c := range []struct{ folder, shape, element, want string }{
		{"inbox", "<t:BaseShape>IdOnly</t:BaseShape>", "Message", "ItemId"},
		{"inbox", "<t:BaseShape>Default</t:BaseShape>", "Message", "ItemId Subject Sensitivity DateTimeCreated HasAttachments IsRead"},
		{"inbox", `<t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI="item:Subject"/>` +
			`<t:FieldURI FieldURI="item:DateTimeReceived"/><t:FieldURI FieldURI="item:ParentFolderId"/></t:AdditionalProperties>`,
			"Message", "ItemId ParentFolderId Subject DateTimeReceived"},
		{"calendar", "<t:BaseShape>Default</t:BaseShape>", "CalendarItem", "ItemId Subject Sensitivity DateTimeCreated HasAttachments Start End"},
	} {
		item := with(c.folder, c.shape)
		if item.name.Local != c.element || names(item) != c.want {
			t.Errorf("%s: %s of %q, want %s of %q", c.shape, item.name.Local, names(item), c.element, c.want)
		}
	}
	if got := with("inbox", "<t:BaseShape>Default</t:BaseShape>").child(nsTypes, "Subject").value(); got != "A & B" {
		t.Errorf("subject %q", got)
	}
	if got := with("calendar", "<t:BaseShape>Default</t:BaseShape>").child(nsTypes, "Start").value(); got != "2026-11-27T12:00:00Z" {
		t.Errorf("start %q", got)
	}
}
