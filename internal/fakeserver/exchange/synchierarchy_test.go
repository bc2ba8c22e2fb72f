package exchange

import (
	"slices"
	"testing"
)

func hierarchy(t *testing.T, s *Server, within, state string) (changes []string, next string) {
	t.Helper()
	id := ""
	if within != "" {
		id = `<m:SyncFolderId><t:DistinguishedFolderId Id="` + within + `"/></m:SyncFolderId>`
	}
	m := messageOf(t, s, `<m:SyncFolderHierarchy><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape>`+id+
		tag("m:SyncState", state)+`</m:SyncFolderHierarchy>`)
	if got, want := names(m), "ResponseCode SyncState IncludesLastFolderInRange Changes"; got != want {
		t.Errorf("a message of %q, want %q", got, want)
	}
	for _, c := range m.child(nsMessages, "Changes").all() {
		if n := c.child(nsTypes, "FolderId"); n != nil {
			id, _ := n.attr("Id")
			changes = append(changes, c.name.Local+" "+id)
			continue
		}
		changes = append(changes, c.name.Local+" "+c.children[0].name.Local+" "+c.children[0].child(nsTypes, "DisplayName").value())
	}
	return changes, m.child(nsMessages, "SyncState").value()
}

func TestASyncOfTheFoldersTellsHowTheTreeChanges(t *testing.T) {
	s := New(nil)
	all, state := hierarchy(t, s, "msgfolderroot", "")
	if !slices.Contains(all, "Create CalendarFolder Calendar") || !slices.Contains(all, "Create Folder Inbox") ||
		slices.Contains(all, "Create Folder Recoverable Items") {
		t.Errorf("at first: %q", all)
	}
	if root, _ := hierarchy(t, s, "", ""); len(root) != len(standard)-1 {
		t.Errorf("of the root: %d folders, want all but itself: %q", len(root), root)
	}
	step := func(want ...string) {
		t.Helper()
		var got []string
		if got, state = hierarchy(t, s, "msgfolderroot", state); !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	step()
	id, err := s.CreateFolder(alex, Folder{Name: "Projects", Class: "IPF.Note"}, Folder{Name: "inbox"})
	if err != nil {
		t.Fatal(err)
	}
	step("Create Folder Projects")
	if err := s.RenameFolder(alex, Folder{Name: "Projects"}, "Archive"); err != nil {
		t.Fatal(err)
	}
	step("Update Folder Archive")
	if err := s.DeleteFolder(alex, Folder{Name: "Archive"}); err != nil {
		t.Fatal(err)
	}
	step("Delete " + id)
	step()
	refusedWith(t, s, `<m:SyncFolderHierarchy><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:SyncState>AAAA</m:SyncState></m:SyncFolderHierarchy>`,
		"ErrorInvalidSyncStateData")
}

func TestTheTreeOfFoldersIsNotChangedByMistake(t *testing.T) {
	s := New(nil)
	if _, err := s.CreateFolder(alex, Folder{Name: "Deep"}, Folder{Name: "nowhere"}); err == nil {
		t.Error("a folder in none was made")
	}
	if _, err := s.CreateFolder(alex, Folder{Name: "Top"}, Folder{Name: "root"}); err == nil {
		t.Error("a folder in the root was made")
	}
	if err := s.RenameFolder(alex, Folder{Name: "inbox"}, "In"); err == nil {
		t.Error("the inbox was renamed")
	}
	if err := s.DeleteFolder(alex, Folder{Name: "calendar"}); err == nil {
		t.Error("the calendar was deleted")
	}
	if err := s.DeleteFolder("nobody@contoso.test", Folder{Name: "X"}); err == nil {
		t.Error("a folder of nobody was deleted")
	}
	if s.ForgetSyncStates("nobody@contoso.test") {
		t.Error("nobody has sync states")
	}
	for range 2 { // the second has another id
		if _, err := s.CreateFolder(alex, Folder{Name: "Projects"}, Folder{Name: "inbox"}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.CreateFolder(alex, Folder{Name: "Projects"}, Folder{Name: "inbox"}); err == nil {
			t.Error("a second folder of the same name was made")
		}
		if err := s.DeleteFolder(alex, Folder{Name: "inbox"}); err == nil {
			t.Error("a folder with others in it was deleted")
		}
		if err := s.DeleteFolder(alex, Folder{Name: "Projects"}); err != nil {
			t.Fatal(err)
		}
	}
}
