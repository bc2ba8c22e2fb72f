package ews

import (
	"encoding/xml"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/calwatch/calwatch/outlookstream"
)

const itemPage = `<m:SyncState> c3RhdGU= </m:SyncState><m:IncludesLastItemInRange>true</m:IncludesLastItemInRange><m:Changes>
<t:Create><t:Message><t:ItemId Id="a" ChangeKey="1"/></t:Message></t:Create>
<t:Delete><t:ItemId Id="b"/></t:Delete>
<t:ReadFlagChange><t:ItemId Id="c" ChangeKey="3"/><t:IsRead>true</t:IsRead></t:ReadFlagChange>
<t:ReadFlagChange><t:ItemId Id="c" ChangeKey="4"/><t:IsRead>false</t:IsRead></t:ReadFlagChange>
<t:Update><t:CalendarItem><t:ItemId Id="d" ChangeKey="5"/><t:Subject>Ann &amp; Bob</t:Subject></t:CalendarItem></t:Update>
</m:Changes>`

func TestItemChangesAreReadInTheirOrder(t *testing.T) {
	s, service := script(t, Options{}, answering("SyncFolderItems", itemPage))
	page, err := s.SyncFolderItems(t.Context(), "", Folder{Distinguished: "inbox"}, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := &Page[ItemChange]{State: "c3RhdGU=", Last: true, Changes: []ItemChange{
		{Kind: CreateChange, ID: ID{"a", "1"}, Class: "Message", XML: `<t:ItemId Id="a" ChangeKey="1"/>`},
		{Kind: DeleteChange, ID: ID{ID: "b"}},
		{Kind: ReadFlagChange, ID: ID{"c", "3"}, IsRead: true},
		{Kind: ReadFlagChange, ID: ID{"c", "4"}},
		{Kind: UpdateChange, ID: ID{"d", "5"}, Class: "CalendarItem", XML: `<t:ItemId Id="d" ChangeKey="5"/><t:Subject>Ann &amp; Bob</t:Subject>`},
	}}
	if !reflect.DeepEqual(page, want) {
		t.Errorf("\ngot  %+v\nwant %+v", page, want)
	}
	if want := `<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:SyncFolderId><t:DistinguishedFolderId Id="inbox"></t:DistinguishedFolderId></m:SyncFolderId>` +
		`<m:MaxChangesReturned>512</m:MaxChangesReturned></m:SyncFolderItems>`; service.last() != want {
		t.Errorf("\nsent %s\nwant %s", service.last(), want)
	}
}

func TestItemsAreSyncedAsTheSchemaHasIt(t *testing.T) {
	s, service := script(t, Options{Impersonate: true}, answering("SyncFolderItems", itemPage))
	_, err := s.SyncFolderItems(t.Context(), "ann@contoso.com", Folder{ID: "AAMk", ChangeKey: "AQ=="}, "b2xk", &SyncOptions{
		BaseShape: ShapeAllProperties, MaxChanges: 10, Associated: true, Ignore: []ID{{ID: "a"}, {"b&", "CQ=="}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := `<m:SyncFolderItems><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape><m:SyncFolderId><t:FolderId Id="AAMk" ChangeKey="AQ=="></t:FolderId></m:SyncFolderId>` +
		`<m:SyncState>b2xk</m:SyncState><m:Ignore><t:ItemId Id="a"></t:ItemId><t:ItemId Id="b&amp;" ChangeKey="CQ=="></t:ItemId></m:Ignore><m:MaxChangesReturned>10</m:MaxChangesReturned><m:SyncScope>NormalAndAssociatedItems</m:SyncScope></m:SyncFolderItems>`; service.last() != want {
		t.Errorf("\nsent %s\nwant %s", service.last(), want)
	}
	if !strings.Contains(service.sent[0], `<t:PrimarySmtpAddress>ann@contoso.com<`) {
		t.Errorf("not as whose folder it is: %s", service.sent[0])
	}
}

func TestFolderChangesAreReadInTheirOrder(t *testing.T) {
	s, service := script(t, Options{}, answering("SyncFolderHierarchy", `<m:SyncState>aA==</m:SyncState><m:IncludesLastFolderInRange>true</m:IncludesLastFolderInRange><m:Changes>`+
		`<t:Create><t:CalendarFolder><t:FolderId Id="cal" ChangeKey="1"/><t:ParentFolderId Id="root" ChangeKey="2"/><t:DisplayName>Calendar</t:DisplayName></t:CalendarFolder></t:Create>`+
		`<t:Update><t:Folder><t:FolderId Id="in" ChangeKey="3"/></t:Folder></t:Update><t:Delete><t:FolderId Id="gone"/></t:Delete></m:Changes>`))
	page, err := s.SyncFolderHierarchy(t.Context(), "ann@contoso.com", Folder{}, "b2xk", ShapeDefault)
	if err != nil {
		t.Fatal(err)
	}
	want := &Page[FolderChange]{State: "aA==", Last: true, Changes: []FolderChange{
		{Kind: CreateChange, ID: ID{"cal", "1"}, Parent: ID{"root", "2"}, Name: "Calendar", Class: "CalendarFolder",
			XML: `<t:FolderId Id="cal" ChangeKey="1"/><t:ParentFolderId Id="root" ChangeKey="2"/><t:DisplayName>Calendar</t:DisplayName>`},
		{Kind: UpdateChange, ID: ID{"in", "3"}, Class: "Folder", XML: `<t:FolderId Id="in" ChangeKey="3"/>`},
		{Kind: DeleteChange, ID: ID{ID: "gone"}},
	}}
	if !reflect.DeepEqual(page, want) {
		t.Errorf("\ngot  %+v\nwant %+v", page, want)
	}
	if want := `<m:SyncFolderHierarchy><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape><m:SyncFolderId><t:DistinguishedFolderId Id="msgfolderroot">` +
		`<t:Mailbox><t:EmailAddress>ann@contoso.com</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId></m:SyncFolderId><m:SyncState>b2xk</m:SyncState></m:SyncFolderHierarchy>`; service.last() != want {
		t.Errorf("\nsent %s\nwant %s", service.last(), want)
	}
}

func itemsPage(state, last string, ids ...string) string {
	var changes strings.Builder
	for _, id := range ids {
		changes.WriteString(`<t:Delete><t:ItemId Id="` + id + `"/></t:Delete>`)
	}
	return answering("SyncFolderItems", `<m:SyncState>`+state+`</m:SyncState><m:IncludesLastItemInRange>`+last+`</m:IncludesLastItemInRange><m:Changes>`+changes.String()+`</m:Changes>`)
}

func TestPagesFollowEachOtherUpToTheLast(t *testing.T) {
	s, service := script(t, Options{}, itemsPage("s1", "false", "a", "b"), itemsPage("s2", "false"), itemsPage("s3", "true", "c"))
	ids, state := "", ""
	for page, err := range s.SyncAllItems(t.Context(), "", Folder{ID: "f"}, "s0", nil) {
		if err != nil {
			t.Fatal(err)
		}
		for _, change := range page.Changes {
			ids += change.ID.ID
		}
		state = page.State
	}
	if ids != "abc" || state != "s3" {
		t.Errorf("%s, state %s", ids, state)
	}
	for i, want := range []string{"s0", "s1", "s2"} {
		if !strings.Contains(service.sent[i], `<m:SyncState>`+want+`</m:SyncState>`) {
			t.Errorf("request %d is not from %s on: %s", i, want, service.sent[i])
		}
	}
}

func TestWhatFailedBetweenPagesGoesOnFromTheLastState(t *testing.T) {
	s, service := script(t, Options{}, itemsPage("s1", "false", "a"), refusing("SyncFolderItems", "ErrorServerBusy"), itemsPage("s2", "false", "b"))
	state, failures := "", 0
	for page, err := range s.SyncAllItems(t.Context(), "", Folder{ID: "f"}, state, nil) {
		if err != nil {
			if failures++; page != nil || !errors.Is(err, outlookstream.ErrThrottled) {
				t.Errorf("%v, %v", page, err)
			}
			continue // it ends all the same
		}
		state = page.State
	}
	if state != "s1" || failures != 1 {
		t.Fatalf("state %q after %d failures", state, failures)
	}
	for range s.SyncAllItems(t.Context(), "", Folder{ID: "f"}, state, nil) {
		break
	}
	if !strings.Contains(service.last(), `<m:SyncState>s1</m:SyncState>`) || len(service.sent) != 3 {
		t.Errorf("%d requests, the last: %s", len(service.sent), service.last())
	}
}

func TestFoldersHavePagesToo(t *testing.T) {
	page := func(state, last, id string) string {
		return answering("SyncFolderHierarchy", `<m:SyncState>`+state+`</m:SyncState><m:IncludesLastFolderInRange>`+last+`</m:IncludesLastFolderInRange><m:Changes><t:Delete><t:FolderId Id="`+id+`"/></t:Delete></m:Changes>`)
	}
	s, _ := script(t, Options{}, page("s1", "false", "a"), page("s2", "true", "b"))
	var ids strings.Builder
	for page, err := range s.SyncAllFolders(t.Context(), "", Folder{}, "", "") {
		if err != nil {
			t.Fatal(err)
		}
		ids.WriteString(page.Changes[0].ID.ID)
	}
	if ids.String() != "ab" {
		t.Error(ids.String())
	}
}

func TestAStateThatIsOfNoUseSaysSo(t *testing.T) {
	s, _ := script(t, Options{}, refusing("SyncFolderItems", "ErrorInvalidSyncStateData"), refusing("SyncFolderHierarchy", "ErrorInvalidSyncStateData"))
	if _, err := s.SyncFolderItems(t.Context(), "", Folder{ID: "f"}, "?", nil); !errors.Is(err, ErrInvalidState) {
		t.Error(err)
	}
	if _, err := s.SyncFolderHierarchy(t.Context(), "", Folder{}, "?", ""); !errors.Is(err, ErrInvalidState) {
		t.Error(err)
	}
}

// Each would lose changes, or ask for ever.
func TestAPageThatLeadsNowhereIsMalformed(t *testing.T) {
	for name, answer := range map[string]string{
		"without a state":             itemsPage("", "true", "a"),
		"back to itself":              itemsPage("s0", "false", "a"),
		"a change without an item":    answering("SyncFolderItems", `<m:SyncState>s1</m:SyncState><m:Changes><t:Create/></m:Changes>`),
		"a change of an unnamed item": answering("SyncFolderItems", `<m:SyncState>s1</m:SyncState><m:Changes><t:Create><t:Message><t:Subject/></t:Message></t:Create></m:Changes>`),
		"no message":                  strings.ReplaceAll(itemsPage("s1", "true"), "SyncFolderItemsResponseMessage", "Other"),
	} {
		s, _ := script(t, Options{}, answer)
		if page, err := s.SyncFolderItems(t.Context(), "", Folder{ID: "f"}, "s0", nil); page != nil || !errors.Is(err, outlookstream.ErrMalformed) {
			t.Errorf("%s: %v, %v", name, page, err)
		}
	}
	// Nothing changed: the state may stay.
	s, _ := script(t, Options{}, itemsPage("s0", "true"))
	if _, err := s.SyncFolderItems(t.Context(), "", Folder{ID: "f"}, "s0", nil); err != nil {
		t.Error(err)
	}
}

func TestAChangeOfAnUnknownKindIsStillAChange(t *testing.T) {
	s, _ := script(t, Options{}, answering("SyncFolderItems", `<m:SyncState>s1</m:SyncState><m:Changes><t:Flagged><t:ItemId Id="a"/></t:Flagged></m:Changes>`))
	page, err := s.SyncFolderItems(t.Context(), "", Folder{ID: "f"}, "s0", nil)
	if err != nil || len(page.Changes) != 1 || page.Changes[0].Kind != "Flagged" || page.Last {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestWhatTheSchemaForbidsIsNotSynced(t *testing.T) {
	s, service := script(t, Options{})
	items := func(address string, f Folder, o *SyncOptions) error {
		_, err := s.SyncFolderItems(t.Context(), address, f, "", o)
		return err
	}
	_, ofFolders := s.SyncFolderHierarchy(t.Context(), "", Folder{}, "", "Some")
	_, ofTwoNames := s.SyncFolderHierarchy(t.Context(), "", Folder{ID: "f", Distinguished: "inbox"}, "", "")
	for name, err := range map[string]error{
		"too many changes":   items("", Folder{ID: "f"}, &SyncOptions{MaxChanges: 513}),
		"fewer than none":    items("", Folder{ID: "f"}, &SyncOptions{MaxChanges: -1}),
		"no such shape":      items("", Folder{ID: "f"}, &SyncOptions{BaseShape: "idonly"}),
		"nothing to ignore":  items("", Folder{ID: "f"}, &SyncOptions{Ignore: []ID{{ChangeKey: "CQ=="}}}),
		"no folder":          items("", Folder{}, nil),
		"no address":         items("ann", Folder{ID: "f"}, nil),
		"no shape for names": ofFolders,
		"two names":          ofTwoNames,
	} {
		if err == nil {
			t.Error(name)
		}
	}
	if len(service.sent) > 0 {
		t.Errorf("sent: %s", service.sent)
	}
}

func FuzzSync(f *testing.F) {
	f.Add(answering("SyncFolderItems", itemPage))
	f.Add(itemsPage("s0", "false", "a"))
	f.Add(answering("SyncFolderHierarchy", `<m:SyncState>s1</m:SyncState><m:Changes><t:Create><t:Folder><t:FolderId Id="f"/></t:Folder></t:Create></m:Changes>`))
	f.Fuzz(func(t *testing.T, answer string) {
		var items syncItemsReply
		if xml.Unmarshal([]byte(answer), &items) == nil {
			for i := range items.Messages {
				fuzzPage(t, &items.Messages[i], (*itemChangeElement).change, func(c *ItemChange) string { return c.ID.ID })
			}
		}
		var folders syncHierarchyReply
		if xml.Unmarshal([]byte(answer), &folders) == nil {
			for i := range folders.Messages {
				fuzzPage(t, &folders.Messages[i], (*folderChangeElement).change, func(c *FolderChange) string { return c.ID.ID })
			}
		}
	})
}

func fuzzPage[E, C any](t *testing.T, m *syncMessage[E], change func(*E) (C, bool), id func(*C) string) {
	page, err := pageOf(m, "s0", change)
	if (page == nil) == (err == nil) {
		t.Fatalf("%v, %v", page, err)
	}
	if err != nil {
		return
	}
	if page.State == "" || !page.Last && page.State == "s0" || len(page.Changes) != len(m.Changes.All) {
		t.Errorf("%+v", page)
	}
	for i := range page.Changes {
		if id(&page.Changes[i]) == "" {
			t.Errorf("%+v", page.Changes[i])
		}
	}
}
