# ELF32: the module list: order, sizes, contents, command lines, places. Prints one paragraph per module; the contents by
# their FNV-1a hash.

.include "kernel.inc"
.include "startinfo.inc"

.section .data
list:           .long 0
modules:        .long 0
last_end:       .long 0

.section .text
code32
main:
    mov ebx, [start_info]
    mov eax, [ebx + 12]
    mov [modules], eax
    print   "modules: "
    print_decimal [modules]
    println ""
    mov eax, [ebx + 16]
    mov [list], eax
    cmp dword ptr [modules], 0
    je no_modules
    test eax, eax
    check_true "there is a list", nz
    mov ebx, eax
    xor edi, edi                                # index
next_module:
    print   "module "
    print_decimal edi
    print   ": "
    print_decimal "[ebx + 8]"
    print   " bytes, hash "
    mov esi, [ebx]
    mov ecx, [ebx + 8]
    mov eax, 0x811C9DC5
    test ecx, ecx
    jz hashed
hash_byte:
    movzx edx, byte ptr [esi]
    xor eax, edx
    imul eax, eax, 0x01000193
    add esi, 1
    loop hash_byte
hashed:
    print_hex eax
    cmp dword ptr [ebx + 16], 0
    je without_text
    print   ", text '"
    mov esi, [ebx + 16]
    call puts
    print   "'"
without_text:
    println ""
    mov eax, [ebx]
    test eax, 0xFFF
    check_true "on a page boundary", z
    mov eax, [ebx + 4]
    or eax, [ebx + 12]
    or eax, [ebx + 20]
    or eax, [ebx + 24]
    or eax, [ebx + 28]
    check "upper halves and reserved field", eax, 0
    # Clear of the kernel, of start_info and of the list itself.
    mov eax, [ebx]
    mov edx, eax
    add edx, [ebx + 8]
    cmp eax, OFFSET image_end
    setae cl
    cmp edx, 0x100000
    setbe ch
    or cl, ch
    test cl, cl
    check_true "clear of the kernel", nz
    mov ecx, [start_info]
    call apart
    check_true "clear of start_info", nz
    mov ecx, [list]
    call apart
    check_true "clear of the list", nz
    mov ecx, [ebx + 16]
    call apart
    check_true "clear of its text", nz
    # And of every other module.
    mov ebp, [list]
    mov esi, [modules]
compare:
    cmp ebp, ebx
    je same_module
    mov ecx, [ebp]
    call apart
    check_true "clear of another module", nz
same_module:
    add ebp, 32
    sub esi, 1
    jnz compare
    add ebx, 32
    add edi, 1
    cmp edi, [modules]
    jne next_module
    finish
no_modules:
    check "no list", [list], 0
    finish

# ZF is clear if address ECX does not lie in [EAX, EDX).
apart:
    cmp ecx, eax
    jb 1f
    cmp ecx, edx
    jae 1f
    push ebx
    xor ebx, ebx
    pop ebx
    ret
1:  push ebx
    or ebx, 1
    pop ebx
    ret
