package exchange

// Requests about folders and items, and for what has changed in them.
var (
	shapeNames = oneOf("IdOnly", "Default", "AllProperties", "PcxPeopleSearch")

	elementFieldURIs = types("AdditionalProperties", some(
		&element{space: nsTypes, name: "FieldURI", attrs: []attribute{{name: "FieldURI", required: true}}},
		&element{space: nsTypes, name: "IndexedFieldURI", attrs: []attribute{
			{name: "FieldURI", required: true}, {name: "FieldIndex", required: true},
		}},
		&element{space: nsTypes, name: "ExtendedFieldURI", open: true},
	))
	elementFolderShape = messages("FolderShape", one(typesText("BaseShape", shapeNames)), optional(elementFieldURIs))
	elementItemShape   = messages("ItemShape", one(typesText("BaseShape", shapeNames)),
		optional(typesText("IncludeMimeContent", boolean)), optional(typesText("BodyType", oneOf("Best", "HTML", "Text"))),
		optional(typesText("UniqueBodyType", oneOf("Best", "HTML", "Text"))),
		optional(typesText("NormalizedBodyType", oneOf("Best", "HTML", "Text"))),
		optional(typesText("FilterHtmlContent", boolean)), optional(typesText("ConvertHtmlCodePageToUTF8", boolean)),
		optional(typesText("InlineImageUrlTemplate", anyText)), optional(typesText("BlockExternalImages", boolean)),
		optional(typesText("AddBlankTargetToLinks", boolean)), optional(typesText("MaximumBodySize", integer(0, 1<<31-1))),
		optional(elementFieldURIs))
	elementItemID = &element{space: nsTypes, name: "ItemId", attrs: []attribute{{name: "Id", required: true}, {name: "ChangeKey"}}}

	attributesTraversal = []attribute{{name: "Traversal", required: true, value: oneOf("Shallow", "Deep", "SoftDeleted", "Associated")}}
	attributesPage      = []attribute{
		{name: "MaxEntriesReturned", value: integer(1, 1<<31-1)},
		{name: "Offset", required: true, value: integer(0, 1<<31-1)},
		{name: "BasePoint", required: true, value: oneOf("Beginning", "End")},
	}

	schemaGetFolder = messages("GetFolder", one(elementFolderShape),
		one(messages("FolderIds", some(elementFolderID, elementDistinguishedFolderID))))
	schemaFindFolder = &element{space: nsMessages, name: "FindFolder", attrs: attributesTraversal, content: []particle{
		one(elementFolderShape),
		optional(&element{space: nsMessages, name: "IndexedPageFolderView", attrs: attributesPage}),
		optional(&element{space: nsMessages, name: "Restriction", open: true}),
		one(messages("ParentFolderIds", some(elementFolderID, elementDistinguishedFolderID))),
	}}
	idFormats       = oneOf("EwsLegacyId", "EwsId", "EntryId", "HexEntryId", "StoreId", "OwaId")
	schemaConvertID = &element{space: nsMessages, name: "ConvertId", attrs: []attribute{{name: "DestinationFormat", required: true, value: idFormats}},
		content: []particle{one(messages("SourceIds", some(&element{space: nsTypes, name: "AlternateId", attrs: []attribute{
			{name: "Format", required: true, value: idFormats}, {name: "Id", required: true}, {name: "Mailbox", required: true}, {name: "IsArchive", value: boolean},
		}})))}}
	schemaGetItem  = messages("GetItem", one(elementItemShape), one(messages("ItemIds", some(elementItemID))))
	schemaFindItem = &element{space: nsMessages, name: "FindItem", attrs: attributesTraversal, content: []particle{
		one(elementItemShape),
		optional(&element{space: nsMessages, name: "IndexedPageItemView", attrs: attributesPage}),
		optional(&element{space: nsMessages, name: "Restriction", open: true}),
		optional(&element{space: nsMessages, name: "SortOrder", open: true}),
		one(messages("ParentFolderIds", some(elementFolderID, elementDistinguishedFolderID))),
	}}
	schemaSyncItems = messages("SyncFolderItems", one(elementItemShape),
		one(messages("SyncFolderId", one(elementFolderID, elementDistinguishedFolderID))),
		optional(messagesText("SyncState", anyText)),
		optional(messages("Ignore", some(elementItemID))),
		one(messagesText("MaxChangesReturned", integer(1, 512))),
		optional(messagesText("SyncScope", oneOf("NormalItems", "NormalAndAssociatedItems"))))
	schemaSyncHierarchy = messages("SyncFolderHierarchy", one(elementFolderShape),
		optional(messages("SyncFolderId", one(elementFolderID, elementDistinguishedFolderID))),
		optional(messagesText("SyncState", anyText)))
)
