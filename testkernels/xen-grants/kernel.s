# ELF64: grant tables: what grant_table_op answers, what it does to entries and pages, wrong arguments: first to 32-bit code, then to 64-bit code.

.include "kernel.inc"
.include "faults32.inc"
.include "long.inc"
.include "xen.inc"
.include "grants.inc"

# The table has FIRST frames to begin with.
.macro each_size first
    println "query_size, setup_table"
    size "size", 0, SELF
    field "frames", 4, \first
    field "of at most", 8, 64
    size "of this domain by number", 0, OWN_ID
    field "frames", 4, \first
    size "of the control domain", PERMISSION_DENIED, 0
    size "of no domain", BAD_DOMAIN, STRANGER
    gives "size to nowhere", EFAULT, GRANT_TABLE_OP, QUERY_SIZE, NOWHERE, 1
    gives "two sizes", EINVAL, GRANT_TABLE_OP, QUERY_SIZE, (OFFSET argument), 2
    gives "no size", EINVAL, GRANT_TABLE_OP, QUERY_SIZE, (OFFSET argument), 0
    setup "no frames", 0, SELF, 0, (OFFSET frames)
    setup "one frame more", 0, SELF, \first+1, (OFFSET frames)
    listed "the first is nowhere", 0, -1
    listed "nor is the second", 1, -1
    size "size", 0, SELF
    field "frames", 4, \first+1
    setup "65 frames", GENERAL_ERROR, SELF, 65, (OFFSET frames)
    setup "very many", GENERAL_ERROR, SELF, -1, (OFFSET frames)
    setup "a list nowhere", BAD_ADDRESS, SELF, 1, NOWHERE
    setup "of the control domain", PERMISSION_DENIED, 0, 1, (OFFSET frames)
    setup "of no domain", BAD_DOMAIN, STRANGER, 1, (OFFSET frames)
    gives "from nowhere", EFAULT, GRANT_TABLE_OP, SETUP_TABLE, NOWHERE, 1
    gives "two tables", EINVAL, GRANT_TABLE_OP, SETUP_TABLE, (OFFSET argument), 2
.if BITS == 64
    gives "none", EINVAL, GRANT_TABLE_OP, SETUP_TABLE, (OFFSET argument), 0
.else
    gives "none", 0, GRANT_TABLE_OP, SETUP_TABLE, (OFFSET argument), 0
.endif
.endm

.macro each_place first
    println "frames in memory"
    place "the first", 0, 0, TABLE_LATER
    set_memory (TABLE_LATER<<12)+0x100, 0x12345678
    place "moved", 0, 0, TABLE
    memory "with what is in it", (TABLE<<12)+0x100, 0x12345678
    memory "and not where it was", (TABLE_LATER<<12)+0x100, -1
    set_memory (TABLE<<12)+0x100, 0
    setup "where it is", 0, SELF, 2, (OFFSET frames)
    listed "the first", 0, TABLE
    listed "the second is nowhere", 1, -1
    place "one that was not there", 0, \first+2, FURTHER
    memory "is of zeros", FURTHER<<12, 0
    size "size", 0, SELF
    field "frames", 4, \first+3
    place "one too many", EINVAL, 64, NOTHING
    place "a status frame of version 1", EINVAL, STATUS_FRAMES, NOTHING
    place "over the local APIC", EPERM, 0, 0xFEE00
    says "the console's entry", 0, PERMIT, 0
    memory "its frame", (TABLE<<12)+4, 0xFEFFF
    says "the store's entry", 1, PERMIT, 0
    memory "its frame", (TABLE<<12)+12, 0xFEFFC
    memory "no third", (TABLE<<12)+16, 0
.endm

.macro each_version
    println "get_version, set_version"
    version_of "version", 0, SELF
    field "is", 4, 1
    version_of "by number", 0, OWN_ID
    field "is", 4, 1
    version_of "of the control domain", EPERM, 0
    version_of "of no domain", ESRCH, STRANGER
    gives "from nowhere", EFAULT, GRANT_TABLE_OP, GET_VERSION, NOWHERE, 1
    gives "of a negative number", EINVAL, GRANT_TABLE_OP, GET_VERSION, (OFFSET argument), -1
    gives "set from nowhere", EFAULT, GRANT_TABLE_OP, SET_VERSION, NOWHERE, 1
    gives "of a negative number", EINVAL, GRANT_TABLE_OP, SET_VERSION, (OFFSET argument), -1
    version "version 0", EINVAL, 0, 1
    version "version 3", EINVAL, 3, 1
    grant 8, PERMIT, OWN_ID, SOURCE
    grant 2, PERMIT+READING, 0, SOURCE
    version "the one that holds", 0, 1, 1
    says "an entry stays", 8, PERMIT
    version "version 2", 0, 2, 2
    version_of "version", 0, SELF
    field "is", 4, 2
    says2 "the console's entry", 0, PERMIT, 0
    memory "its frame", (TABLE<<12)+8, 0xFEFFF
    says2 "the store's entry", 1, PERMIT, 0
    memory "its frame", (TABLE<<12)+24, 0xFEFFC
    says2 "an entry in use", 2, PERMIT, 0
    memory "its frame", (TABLE<<12)+40, SOURCE
    memory "the others are lost", (TABLE<<12)+128, 0
    place "the status frame", 0, STATUS_FRAMES, STATUSES
    uses2 "the entry in use", 2, READING
    uses2 "and those of others", 0, 0
    grant2 2, PERMIT, 0, SOURCE, 0, 1
    version "back with a frame of more than 32 bits", ERANGE, 1, 2
    grant2 2, TRANSITIVE, 0, SOURCE
    version "with a transitive entry", ERANGE, 1, 2
    grant2 2, PERMIT, 0, SOURCE
    version "back", 0, 1, 1
    says "the console's entry", 0, PERMIT, 0
    memory "its frame", (TABLE<<12)+4, 0xFEFFF
    says "the store's entry", 1, PERMIT, 0
    memory "its frame", (TABLE<<12)+12, 0xFEFFC
    says "an entry in use", 2, PERMIT+READING, 0
    memory "its frame", (TABLE<<12)+20, SOURCE
    memory "the others are lost", (TABLE<<12)+64, 0
    memory "no status frame", STATUSES<<12, -1
    grant 2, 0, 0, 0
.endm

.macro each_mapping
    println "map_grant_ref, unmap_grant_ref"
    gives "from nowhere", EFAULT, GRANT_TABLE_OP, MAP, NOWHERE, 1
    gives "unmapping from nowhere", EFAULT, GRANT_TABLE_OP, UNMAP, NOWHERE, 1
    gives "nothing from nowhere", 0, GRANT_TABLE_OP, MAP, NOWHERE, 0
    gives "a negative number", EINVAL, GRANT_TABLE_OP, MAP, (OFFSET argument), -1
    grant 8, PERMIT, OWN_ID, GRANTED
    grant 9, PERMIT, STRANGER, GRANTED
    grant 10, PERMIT+ONLY_READ, OWN_ID, GRANTED_READ
    grant 11, 2, OWN_ID, GRANTED
    grant 12, PERMIT, OWN_ID, NOTHING
    grant 13, 0, OWN_ID, GRANTED
    grant 14, TRANSITIVE, OWN_ID, GRANTED
    grant 15, PERMIT+SUB_PAGE, OWN_ID, GRANTED
    map "without a place", BAD_REF, WINDOW1, 0, 8
    map "for a device", GENERAL_ERROR, WINDOW1, 1, 8
    map "for an application", GENERAL_ERROR, WINDOW1, HOST_MAP+8, 8
    map "in a page table", GENERAL_ERROR, WINDOW1, HOST_MAP+16, 8
    map "with an unknown flag", GENERAL_ERROR, WINDOW1, HOST_MAP+0x100, 8
    map "of DOMID_SELF", BAD_DOMAIN, WINDOW1, HOST_MAP, 8, SELF
    map "of no domain", BAD_DOMAIN, WINDOW1, HOST_MAP, 8, STRANGER
    map "of the control domain", GENERAL_ERROR, WINDOW1, HOST_MAP, 8, 0
    map "beyond its table", BAD_REF, WINDOW1, HOST_MAP, 512, 0
    map "beyond the table", BAD_REF, WINDOW1, HOST_MAP, -1
    map "another's", GENERAL_ERROR, WINDOW1, HOST_MAP, 9
    map "a transfer", GENERAL_ERROR, WINDOW1, HOST_MAP, 11
    map "a page that is not there", BAD_PAGE, WINDOW1, HOST_MAP, 12
    map "what is not granted", GENERAL_ERROR, WINDOW1, HOST_MAP, 13
    map "a transitive entry of version 2", GENERAL_ERROR, WINDOW1, HOST_MAP, 14
    map "part of a page", GENERAL_ERROR, WINDOW1, HOST_MAP, 15
    map "for writing what is to be read", GENERAL_ERROR, WINDOW1, HOST_MAP, 10
    says "none of them is in use", 8, PERMIT
    says "nor this", 12, PERMIT
    says "nor this", 10, PERMIT+ONLY_READ
    memory "nothing is mapped", WINDOW1<<12, -1

    set_memory (GRANTED<<12)+0x800, 0x11112222
    map "one's own", 0, WINDOW1, HOST_MAP, 8
    handle_to handle
    memory "its data", (WINDOW1<<12)+0x800, 0x11112222
    says "the entry", 8, PERMIT+READING+WRITING
    set_memory (WINDOW1<<12)+0x804, 0x33334444
    copy "copying from it", 0, FROM_REF, 8, OWN_ID, 0x800, TARGET, SELF, 0, 8
    memory "what it was", TARGET<<12, 0x11112222
    memory "what was written", (TARGET<<12)+4, 0x33334444
    says "the entry is still in use", 8, PERMIT+READING+WRITING
    set_memory (TARGET<<12)+0x10, 0x55556666
    copy "copying to it", 0, TO_REF, TARGET, SELF, 0x10, 8, OWN_ID, 0x808, 4
    memory "shows", (WINDOW1<<12)+0x808, 0x55556666
    version "another version meanwhile", EBUSY, 2, 1
    swap "exchanging the entry", AGAIN, 8, 13
    swap "the other way", AGAIN, 13, 8
    grant 8, 0, OWN_ID, SOURCE
    memory "an entry that changes meanwhile", (WINDOW1<<12)+0x800, 0x11112222
    map "does not matter to a second mapping", 0, WINDOW2, HOST_MAP, 8
    handle_to second_handle
    memory "is the same page", (WINDOW2<<12)+0x804, 0x33334444
    unmap "unmapping it", 0, WINDOW2, second_handle
    memory "leaves nothing", WINDOW2<<12, -1
    grant 8, PERMIT+READING+WRITING, OWN_ID, GRANTED
    unmap "elsewhere", GENERAL_ERROR, WINDOW2
    unmap "at no address", 0, 0
    memory "does nothing", (WINDOW1<<12)+0x800, 0x11112222
    says "the entry", 8, PERMIT+READING+WRITING
    unmap "where it is", 0, WINDOW1
    memory "leaves nothing", (WINDOW1<<12)+0x800, -1
    says "the entry", 8, PERMIT
    unmap "again", BAD_HANDLE, WINDOW1
    mov dword ptr [handle], -1
    unmap "no handle", BAD_HANDLE, WINDOW1
    mov dword ptr [handle], 0x40000
    unmap "no handle", BAD_HANDLE, WINDOW1
    says "the entry", 8, PERMIT

    set_memory (GRANTED_READ<<12)+0xFFC, 0x77778888
    map "to be read", 0, WINDOW2, HOST_MAP+MAP_READ_ONLY, 10
    handle_to handle
    memory "its data", (WINDOW2<<12)+0xFFC, 0x77778888
    says "the entry", 10, PERMIT+ONLY_READ+READING
    set_memory (WINDOW2<<12)+0xFFC, 0x12121212
    memory "is not written", (WINDOW2<<12)+0xFFC, 0x77778888
    copy "nor copied to", GENERAL_ERROR, TO_REF, TARGET, SELF, 0, 10, OWN_ID, 0xFFC, 4
    memory "it is what it was", (WINDOW2<<12)+0xFFC, 0x77778888
    copy "but copied from", 0, FROM_REF, 10, OWN_ID, 0xFFC, TARGET, SELF, 0, 4
    memory "is copied", TARGET<<12, 0x77778888
    says "the entry", 10, PERMIT+ONLY_READ+READING
    version "another version meanwhile", EBUSY, 2, 1
    unmap "unmapping it", 0, WINDOW2
    says "the entry", 10, PERMIT+ONLY_READ
    memory "leaves nothing", WINDOW2<<12, -1

    # A list of two of which only the first is in memory.
    in_word 0, 0, (OFFSET frames)
    in_word 4, 8, 1
    in_number 8, 16, 0
    in_number 12, 20, 0
    in_number 16, 24, SELF
    mov dword ptr [frames], LIST+1
    mov dword ptr [frames + 4], 0
    gives "a page given back", 1, MEMORY_OP, 1, (OFFSET argument)
    set_memory (LIST<<12)+0xFE0, 0
    set_memory (LIST<<12)+0xFE8, HOST_MAP
    set_memory (LIST<<12)+0xFEC, 8
    set_memory (LIST<<12)+0xFF0, STRANGER
    gives "a list that ends nowhere", EFAULT, GRANT_TABLE_OP, MAP, (LIST<<12)+0xFE0, 2
    memory "has a status for the first", (LIST<<12)+0xFF0, STRANGER-0x20000
    set_memory (LIST<<12)+0xFF8, 0
    gives "one that crosses it", EFAULT, GRANT_TABLE_OP, MAP, (LIST<<12)+0xFF8, 1
.endm

.macro each_copy
    println "copy"
    gives "from nowhere", EFAULT, GRANT_TABLE_OP, COPY, NOWHERE, 1
    grant 8, PERMIT, OWN_ID, SOURCE
    grant 9, PERMIT, OWN_ID, TARGET
    grant 10, PERMIT+ONLY_READ, OWN_ID, TARGET
    grant 11, PERMIT, STRANGER, TARGET
    grant 12, PERMIT, OWN_ID, NOTHING
    set_memory (SOURCE<<12)+0x10, 0x44332211
    set_memory (SOURCE<<12)+0xFFC, 0x0D0C0B0A
    set_memory (TARGET<<12)+0x20, 0x19999999
    copy "frame to frame", 0, 0, SOURCE, SELF, 0x11, TARGET, SELF, 0x21, 2
    memory "is copied", (TARGET<<12)+0x20, 0x19332299
    copy "nothing", 0, 0, SOURCE, SELF, 0, TARGET, SELF, 0x20, 0
    copy "nothing at the end", 0, 0, SOURCE, SELF, 0x1000, TARGET, SELF, 0x1000, 0
    copy "nothing behind it", BAD_COPY, 0, SOURCE, SELF, 0x1001, TARGET, SELF, 0x20, 0
    copy "across the end", BAD_COPY, 0, SOURCE, SELF, 0xFFF, TARGET, SELF, 0x20, 2
    copy "to across the end", BAD_COPY, 0, SOURCE, SELF, 0x10, TARGET, SELF, 0xFFD, 4
    copy "too much", BAD_COPY, 0, SOURCE, SELF, 0, TARGET, SELF, 0, 0x1001
    copy "very much", BAD_COPY, 0, SOURCE, SELF, 0xFFFF, TARGET, SELF, 0xFFFF, 0xFFFF
    memory "nothing came of that", (TARGET<<12)+0x20, 0x19332299
    copy "a frame that is not there", BAD_PAGE, 0, NOTHING, SELF, 0, TARGET, SELF, 0, 4
    copy "to one", BAD_PAGE, 0, SOURCE, SELF, 0, NOTHING, SELF, 0, 4
    copy "to one of 32 bits", BAD_PAGE, 0, SOURCE, SELF, 0, -1, SELF, 0, 4
    copy "a frame by the own number", PERMISSION_DENIED, 0, SOURCE, OWN_ID, 0, TARGET, SELF, 0, 4
    copy "to one", PERMISSION_DENIED, 0, SOURCE, SELF, 0, TARGET, OWN_ID, 0, 4
    copy "a frame of the control domain", PERMISSION_DENIED, 0, SOURCE, 0, 0, TARGET, SELF, 0, 4
    copy "a grant of the control domain", GENERAL_ERROR, FROM_REF, 8, 0, 0, TARGET, SELF, 0, 4
    copy "beyond its table", BAD_REF, FROM_REF, 512, 0, 0, TARGET, SELF, 0, 4
    copy "a grant of no domain", BAD_DOMAIN, FROM_REF, 8, STRANGER, 0, TARGET, SELF, 0, 4
    copy "to one", BAD_DOMAIN, TO_REF, SOURCE, SELF, 0, 8, STRANGER, 0, 4
    copy "a whole page", 0, 0, SOURCE, SELF, 0, TARGET, SELF, 0, 0x1000
    memory "its end is copied", (TARGET<<12)+0xFFC, 0x0D0C0B0A
    memory "and the middle", (TARGET<<12)+0x10, 0x44332211
    copy "grant to frame", 0, FROM_REF, 8, OWN_ID, 0x10, TARGET, SELF, 0x30, 4
    memory "is copied", (TARGET<<12)+0x30, 0x44332211
    copy "of DOMID_SELF", 0, FROM_REF, 8, SELF, 0x11, TARGET, SELF, 0x34, 4
    copy "frame to grant", 0, TO_REF, SOURCE, SELF, 0xFFC, 9, OWN_ID, 0x40, 4
    memory "is copied", (TARGET<<12)+0x40, 0x0D0C0B0A
    copy "grant to grant", 0, FROM_REF+TO_REF, 8, OWN_ID, 0xFFC, 9, SELF, 0x50, 4
    memory "is copied", (TARGET<<12)+0x50, 0x0D0C0B0A
    says "the source's entry", 8, PERMIT
    says "the destination's", 9, PERMIT
    copy "across the end of a grant", BAD_COPY, FROM_REF, 8, OWN_ID, 0xFFE, TARGET, SELF, 0, 4
    says "its entry", 8, PERMIT
    copy "to a grant to be read", GENERAL_ERROR, TO_REF, SOURCE, SELF, 0, 10, OWN_ID, 0, 4
    says "its entry", 10, PERMIT+ONLY_READ
    copy "from it", 0, FROM_REF, 10, OWN_ID, 0x40, TARGET, SELF, 0x60, 4
    memory "is copied", (TARGET<<12)+0x60, 0x0D0C0B0A
    copy "another's grant", GENERAL_ERROR, FROM_REF, 11, OWN_ID, 0, TARGET, SELF, 0, 4
    copy "a grant of nothing", BAD_PAGE, FROM_REF, 12, OWN_ID, 0, TARGET, SELF, 0, 4
    says "its entry", 12, PERMIT
    copy "beyond the table", BAD_REF, FROM_REF, -1, OWN_ID, 0, TARGET, SELF, 0, 4
    copy "a good source to a bad one", GENERAL_ERROR, FROM_REF+TO_REF, 8, OWN_ID, 0, 11, OWN_ID, 0, 4
    says "the source's entry", 8, PERMIT
.endm

.macro each_swap
    println "swap_grant_ref"
    gives "from nowhere", EFAULT, GRANT_TABLE_OP, SWAP, NOWHERE, 1
    swap "two entries", 0, 8, 10
    says "the first", 8, PERMIT+ONLY_READ
    memory "its frame", (TABLE<<12)+68, TARGET
    says "the second", 10, PERMIT
    memory "its frame", (TABLE<<12)+84, SOURCE
    swap "one with itself", 0, 8, 8
    says "stays", 8, PERMIT+ONLY_READ
    swap "one beyond the table", BAD_REF, 8, -1
    swap "the other way", BAD_REF, -1, 8
    swap "both", BAD_REF, -1, -1
    in_words 8, -1, 0x5555, 8, 10, 0x5555
    gives "a list of two", 0, GRANT_TABLE_OP, SWAP, (OFFSET argument), 2
    status "status of the first", 8, 8, BAD_REF
    status "status of the second", 20, 20, 0
    says "it is done", 8, PERMIT
.endm

# SECOND is a status frame that there is not yet.
.macro each_of_version2 second
    println "version 2"
    version "version 2", 0, 2, 2
    place "the status frame", 0, STATUS_FRAMES, STATUSES
    memory "an entry", (TABLE<<12)+320, 0
    set_memory (GRANTED2<<12)+0x100, 0x24682468
    grant2 20, PERMIT, OWN_ID, GRANTED2
    map "mapping", 0, WINDOW1, HOST_MAP, 20
    handle_to handle
    memory "its data", (WINDOW1<<12)+0x100, 0x24682468
    says2 "the entry", 20, PERMIT
    uses2 "its status", 20, READING+WRITING
    version "another version meanwhile", EBUSY, 1, 2
    swap "exchanging it", AGAIN, 20, 22
    unmap "unmapping", 0, WINDOW1
    uses2 "its status", 20, 0
    memory "leaves nothing", (WINDOW1<<12)+0x100, -1
    set_memory (GRANTED_READ2<<12)+0x100, 0x35793579
    grant2 20, PERMIT+ONLY_READ, OWN_ID, GRANTED_READ2
    map "for writing what is to be read", GENERAL_ERROR, WINDOW2, HOST_MAP, 20
    map "for reading", 0, WINDOW2, HOST_MAP+MAP_READ_ONLY, 20
    handle_to handle
    uses2 "its status", 20, READING
    set_memory (WINDOW2<<12)+0x100, 0x12121212
    memory "is not written", (WINDOW2<<12)+0x100, 0x35793579
    unmap "unmapping", 0, WINDOW2
    uses2 "its status", 20, 0
    grant2 20, PERMIT, OWN_ID, SOURCE, 0, 1
    map "a frame of more than 32 bits", BAD_PAGE, WINDOW1, HOST_MAP, 20
    uses2 "its status", 20, 0

    grant2 20, PERMIT+SUB_PAGE, OWN_ID, SOURCE, 0x02000100
    grant2 22, PERMIT+SUB_PAGE, OWN_ID, TARGET, 0x80000F00
    grant2 24, TRANSITIVE, OWN_ID, 8, OWN_ID
    set_memory (SOURCE<<12)+0x100, 0x13571357
    set_memory (SOURCE<<12)+0x2FC, 0x46804680
    map "part of a page", GENERAL_ERROR, WINDOW1, HOST_MAP, 20
    copy "all of the part", 0, FROM_REF, 20, OWN_ID, 0x100, TARGET, SELF, 0x400, 0x200
    memory "its start is copied", (TARGET<<12)+0x400, 0x13571357
    memory "and its end", (TARGET<<12)+0x5FC, 0x46804680
    copy "before it", GENERAL_ERROR, FROM_REF, 20, OWN_ID, 0xFF, TARGET, SELF, 0x400, 2
    copy "beyond it", GENERAL_ERROR, FROM_REF, 20, OWN_ID, 0x2FF, TARGET, SELF, 0x400, 2
    copy "more of it", GENERAL_ERROR, FROM_REF, 20, OWN_ID, 0x100, TARGET, SELF, 0x400, 0x201
    copy "across the end of the page", BAD_COPY, FROM_REF, 20, OWN_ID, 0xFFF, TARGET, SELF, 0x400, 2
    copy "to a part that claims more than a page", 0, TO_REF, SOURCE, SELF, 0x100, 22, OWN_ID, 0xF00, 0x100
    memory "is copied", (TARGET<<12)+0xF00, 0x13571357
    copy "to behind the page", BAD_COPY, TO_REF, SOURCE, SELF, 0x100, 22, OWN_ID, 0xF00, 0x101
    copy "a transitive grant of one's own", GENERAL_ERROR, FROM_REF, 24, OWN_ID, 0, TARGET, SELF, 0x400, 4
    grant2 24, TRANSITIVE, OWN_ID, 8, 0
    copy "of the control domain's", GENERAL_ERROR, FROM_REF, 24, OWN_ID, 0, TARGET, SELF, 0x400, 4
    grant2 24, TRANSITIVE, OWN_ID, 512, 0
    copy "beyond its table", BAD_REF, FROM_REF, 24, OWN_ID, 0, TARGET, SELF, 0x400, 4
    uses2 "no status", 20, 0
    uses2 "nor this", 22, 0
    uses2 "nor this", 24, 0
    set_memory (STATUSES<<12)+40, READING
    swap "exchanging two", 0, 20, 22
    says2 "one", 20, PERMIT+SUB_PAGE
    memory "its part", (TABLE<<12)+324, 0x80000F00-0x100000000
    memory "its frame", (TABLE<<12)+328, TARGET
    memory "the other's part", (TABLE<<12)+356, 0x02000100
    uses2 "status goes along", 22, READING
    uses2 "and comes", 20, 0
    place "a status frame that was not there", 0, STATUS_FRAMES+\second, FURTHER
    memory "is of zeros", FURTHER<<12, 0
    size "lets the table grow", 0, SELF
    field "frames", 4, (\second+1)*8
    place "one too many", EINVAL, STATUS_FRAMES+8, NOTHING
    version "back", 0, 1, 1
    memory "no status frame", STATUSES<<12, -1
    memory "nor the other", FURTHER<<12, -1
    memory "nor an entry", (TABLE<<12)+64, 0
.endm

.macro each_refused
    println "what is not for this domain"
    .irp operation, 3, 4, 7, 9, 12, 13, 99
    gives "operation \operation", ENOSYS, GRANT_TABLE_OP, \operation, (OFFSET argument), 1
    .endr
    take_away "the table's frame taken away", 0, TABLE
    memory "leaves nothing", TABLE<<12, -1
    take_away "again", ENOENT, TABLE
.endm

.macro everything first, second
    each_size \first
    each_place \first
    each_version
    each_mapping
    each_copy
    each_swap
    each_of_version2 \second
    each_refused
.endm

main:
    call faults32_init
    println "--- 32-bit"
    frames_of_pass 0x2000, 0xE0000
    everything 1, 1
    enter_long_mode long
code64
long:
    start64
    println "--- 64-bit"
    frames_of_pass 0x2100, 0xE0100
    everything 16, 3

    println "structures behind page tables"
    mov dword ptr [window_table], (TARGET<<12)+3
    mov dword ptr [window_table + 8], (SOURCE<<12)+3
    mov dword ptr [window_table + 16], (SOURCE<<12)+1
    set_memory WINDOW+0xFF8, SELF
    set_memory WINDOW+0x1004, 0x5555
    gives "across two pages", 0, GRANT_TABLE_OP, QUERY_SIZE, WINDOW+0xFF8, 1
    memory "one half in this page", (TARGET<<12)+0xFFC, 32
    memory "the other in that", SOURCE<<12, 64
    memory "with the status", (SOURCE<<12)+4, 0
    set_memory WINDOW+0x1000, SELF
    mov rax, cr0
    bts rax, 16
    mov cr0, rax                                # WP
    gives "what can only be read", EFAULT, GRANT_TABLE_OP, QUERY_SIZE, WINDOW+0x2000, 1
    gives "a version there", EFAULT, GRANT_TABLE_OP, GET_VERSION, WINDOW+0x2000, 1
    set_memory WINDOW+0x1FF8, SELF
    gives "half in what can only be read", EFAULT, GRANT_TABLE_OP, QUERY_SIZE, WINDOW+0x1FF8, 1
    gives "a page that is not present", EFAULT, GRANT_TABLE_OP, QUERY_SIZE, WINDOW+0x3000, 1
    set_memory WINDOW+0x1000, SELF
    set_memory WINDOW+0x1004, 1
    set_memory WINDOW+0x1010, WINDOW+0x2800
    set_memory WINDOW+0x1014, 0
    gives "a list in what can only be read", 0, GRANT_TABLE_OP, SETUP_TABLE, WINDOW+0x1000, 1
    memory "its status", WINDOW+0x1008, BAD_ADDRESS+0x10000
    finish
