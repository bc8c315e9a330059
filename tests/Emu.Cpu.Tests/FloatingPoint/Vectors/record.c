/*
 * Executes each line of a vector file on this machine's own processor and prints the line with the results found:
 *
 *     gcc -O2 -mno-red-zone -mavx -mfma -mf16c -o record record.c && ./record < x87.txt | diff - x87.txt
 *
 * README.md describes the lines. Needs an x86-64 processor with AVX, FMA and F16C.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

typedef struct { uint64_t significand; uint16_t sign_exponent; } __attribute__((packed)) float80;

/* ---- x87: name, operands loaded first, instruction ------------------------------------------------------------------- */

#define LOAD0 ""
#define LOAD1 "fldt %[a]; "
#define LOAD2 "fldt %[b]; fldt %[a]; "
#define FLAGS "; pushfq; popq %[flags]"

#define X87_OPERATIONS(X) \
	X("fadd", LOAD2, "fadd %%st(1), %%st") X("fsub", LOAD2, "fsub %%st(1), %%st") X("fmul", LOAD2, "fmul %%st(1), %%st") \
	X("fdiv", LOAD2, "fdiv %%st(1), %%st") X("fsubr", LOAD2, "fsubr %%st(1), %%st") X("fdivr", LOAD2, "fdivr %%st(1), %%st") \
	X("fprem", LOAD2, "fprem") X("fprem1", LOAD2, "fprem1") X("fscale", LOAD2, "fscale") \
	X("fcom", LOAD2, "fcom %%st(1)") X("fucom", LOAD2, "fucom %%st(1)") \
	X("fcomi", LOAD2, "fcomi %%st(1), %%st" FLAGS) X("fucomi", LOAD2, "fucomi %%st(1), %%st" FLAGS) \
	X("fadd_m32", LOAD2, "fadds %[m]") X("fadd_m64", LOAD2, "faddl %[m]") X("fsub_m64", LOAD2, "fsubl %[m]") \
	X("fmul_m32", LOAD2, "fmuls %[m]") X("fdiv_m64", LOAD2, "fdivl %[m]") X("fdivr_m64", LOAD2, "fdivrl %[m]") \
	X("fdivr_m32", LOAD2, "fdivrs %[m]") X("fcom_m32", LOAD2, "fcoms %[m]") X("fcom_m64", LOAD2, "fcoml %[m]") \
	X("fiadd_m16", LOAD2, "fiadds %[m]") X("fidivr_m32", LOAD2, "fidivrl %[m]") \
	X("fsqrt", LOAD1, "fsqrt") X("frndint", LOAD1, "frndint") X("fxam", LOAD1, "fxam") X("ftst", LOAD1, "ftst") \
	X("fchs", LOAD1, "fchs") X("fabs", LOAD1, "fabs") X("fxtract", LOAD1, "fxtract") \
	X("fsin", LOAD1, "fsin") X("fcos", LOAD1, "fcos") X("fsincos", LOAD1, "fsincos") X("fptan", LOAD1, "fptan") \
	X("f2xm1", LOAD1, "f2xm1") X("fyl2x", LOAD2, "fyl2x") X("fyl2xp1", LOAD2, "fyl2xp1") X("fpatan", LOAD2, "fpatan") \
	X("fst_m32", LOAD1, "fsts %[m]") X("fst_m64", LOAD1, "fstl %[m]") X("fist_m16", LOAD1, "fists %[m]") \
	X("fist_m32", LOAD1, "fistl %[m]") X("fistp_m64", LOAD1, "fistpq %[m]") X("fisttp_m16", LOAD1, "fisttps %[m]") \
	X("fisttp_m32", LOAD1, "fisttpl %[m]") X("fisttp_m64", LOAD1, "fisttpq %[m]") X("fbstp", LOAD1, "fbstp %[m]") \
	X("fld_m32", LOAD0, "flds %[m]") X("fld_m64", LOAD0, "fldl %[m]") X("fbld", LOAD0, "fbld %[m]") \
	X("fild_m64", LOAD0, "fildq %[m]") X("fldpi", LOAD0, "fldpi") X("fldl2t", LOAD0, "fldl2t") \
	X("fldl2e", LOAD0, "fldl2e") X("fldlg2", LOAD0, "fldlg2") X("fldln2", LOAD0, "fldln2")

static int x87(const char *name, uint16_t control, float80 a, float80 b, uint64_t memory[2])
{
	float80 st0 = {0}, st1 = {0};
	uint16_t status = 0, masked = 0x37f;
	uint64_t flags = 0;
	struct { uint64_t part[2]; } m = {{memory[0], memory[1]}};
	int known = 0;

#define X(text, load, instruction) \
	if (!strcmp(name, text)) { \
		known = 1; \
		__asm__ volatile("fninit; " load "fldcw %[cw]; " instruction \
			"; fnstsw %[sw]; fnclex; fldcw %[masked]; fstpt %[st0]; fstpt %[st1]; fninit" \
			: [st0] "=m"(st0), [st1] "=m"(st1), [sw] "=m"(status), [m] "+m"(m), [flags] "+r"(flags) \
			: [a] "m"(a), [b] "m"(b), [cw] "m"(control), [masked] "m"(masked) \
			: "cc", "st", "st(1)", "st(2)", "st(3)", "memory"); \
	}
	X87_OPERATIONS(X)
#undef X
	if (!known) return 0;
	printf("%s %03" PRIX16 " %04X:%016" PRIX64 " %04X:%016" PRIX64 " %" PRIX64 " %" PRIX64, name, control,
		a.sign_exponent, a.significand, b.sign_exponent, b.significand, memory[0], memory[1]);
	printf(" = %04X:%016" PRIX64 " %04X:%016" PRIX64 " %" PRIX64 " %" PRIX64 " %04X %" PRIX64 "\n", st0.sign_exponent,
		st0.significand, st1.sign_exponent, st1.significand, m.part[0], m.part[1], status, flags & 0x45);
	return 1;
}

/* ---- SSE: name, instruction; those with an immediate are repeated for each ------------------------------------------- */

static volatile sig_atomic_t faulted;
static volatile uint32_t fault_mxcsr;

/* An unmasked exception: note MXCSR as it is, then let the instruction complete with everything masked. */
static void on_fault(int signal, siginfo_t *info, void *context)
{
	ucontext_t *machine = context;

	(void)signal;
	(void)info;
	faulted = 1;
	fault_mxcsr = machine->uc_mcontext.fpregs->mxcsr;
	machine->uc_mcontext.fpregs->mxcsr |= 0x1f80;
}

#define BOTH(X, name, rest) X(name "sd", -1, "v" name "sd" rest) X(name "ss", -1, "v" name "ss" rest)
#define FUSED(X, name) \
	BOTH(X, name "132", " %[c], %[b], %[a]") BOTH(X, name "213", " %[c], %[b], %[a]") BOTH(X, name "231", " %[c], %[b], %[a]")
#define CMP(X, i) \
	X("cmpsd", i, "vcmpsd $" #i ", %[b], %[a], %[a]") X("cmpss", i, "vcmpss $" #i ", %[b], %[a], %[a]")
#define ROUND(X, i) \
	X("roundsd", i, "vroundsd $" #i ", %[a], %[a], %[a]") X("roundss", i, "vroundss $" #i ", %[a], %[a], %[a]")
#define HALF(X, i) X("cvtps2ph", i, "vcvtps2ph $" #i ", %[a], %[a]")
#define EIGHT(Y, X, p) Y(X, p##0) Y(X, p##1) Y(X, p##2) Y(X, p##3) Y(X, p##4) Y(X, p##5) Y(X, p##6) Y(X, p##7)
#define EIGHT_MORE(Y, X, p) Y(X, p##8) Y(X, p##9) Y(X, p##A) Y(X, p##B) Y(X, p##C) Y(X, p##D) Y(X, p##E) Y(X, p##F)

#define SSE_OPERATIONS(X) \
	BOTH(X, "add", " %[b], %[a], %[a]") BOTH(X, "sub", " %[b], %[a], %[a]") BOTH(X, "mul", " %[b], %[a], %[a]") \
	BOTH(X, "div", " %[b], %[a], %[a]") BOTH(X, "min", " %[b], %[a], %[a]") BOTH(X, "max", " %[b], %[a], %[a]") \
	BOTH(X, "sqrt", " %[a], %[a], %[a]") BOTH(X, "comi", " %[b], %[a]" FLAGS) BOTH(X, "ucomi", " %[b], %[a]" FLAGS) \
	FUSED(X, "fmadd") FUSED(X, "fmsub") FUSED(X, "fnmadd") FUSED(X, "fnmsub") \
	X("cvtsd2si32", -1, "cvtsd2si %[a], %k[flags]") X("cvtsd2si64", -1, "cvtsd2si %[a], %q[flags]") \
	X("cvtss2si32", -1, "cvtss2si %[a], %k[flags]") X("cvtss2si64", -1, "cvtss2si %[a], %q[flags]") \
	X("cvttsd2si32", -1, "cvttsd2si %[a], %k[flags]") X("cvttsd2si64", -1, "cvttsd2si %[a], %q[flags]") \
	X("cvttss2si32", -1, "cvttss2si %[a], %k[flags]") X("cvttss2si64", -1, "cvttss2si %[a], %q[flags]") \
	X("cvtsi322sd", -1, "cvtsi2sd %k[integer], %[a]") X("cvtsi642sd", -1, "cvtsi2sd %q[integer], %[a]") \
	X("cvtsi322ss", -1, "cvtsi2ss %k[integer], %[a]") X("cvtsi642ss", -1, "cvtsi2ss %q[integer], %[a]") \
	X("cvtss2sd", -1, "cvtss2sd %[a], %[a]") X("cvtsd2ss", -1, "cvtsd2ss %[a], %[a]") \
	X("cvtph2ps", -1, "vcvtph2ps %[a], %[a]") EIGHT(HALF, X, 0x) EIGHT(ROUND, X, 0x) EIGHT_MORE(ROUND, X, 0x) \
	EIGHT(CMP, X, 0x) EIGHT_MORE(CMP, X, 0x) EIGHT(CMP, X, 0x1) EIGHT_MORE(CMP, X, 0x1)

static int ends_with(const char *name, const char *end)
{
	size_t length = strlen(name);

	return length >= strlen(end) && !strcmp(name + length - strlen(end), end);
}

static int sse(const char *name, const char *immediate, uint32_t mxcsr, uint64_t a, uint64_t b, uint64_t c)
{
	typedef uint64_t vector __attribute__((vector_size(16)));
	vector va = {a, 0}, vb = {b, 0}, vc = {c, 0};
	uint64_t flags = 0, result;
	uint32_t own, after = 0;
	int known = 0, number = *immediate == '-' ? -1 : (int)strtol(immediate, NULL, 16);

	faulted = 0;
	__asm__ volatile("stmxcsr %0" : "=m"(own));
#define X(text, i, instruction) \
	if (i == number && !strcmp(name, text)) { \
		known = 1; \
		__asm__ volatile("ldmxcsr %[in]; " instruction "; stmxcsr %[out]; ldmxcsr %[own]" \
			: [a] "+x"(va), [flags] "+r"(flags), [out] "=m"(after) \
			: [b] "x"(vb), [c] "x"(vc), [integer] "r"(a), [in] "m"(mxcsr), [own] "m"(own) \
			: "cc"); \
	}
	SSE_OPERATIONS(X)
#undef X
	if (!known) return 0;
	result = va[0];
	if (strstr(name, "comi")) result = flags & 0x45;
	else if (strstr(name, "2si")) result = ends_with(name, "32") ? (uint32_t)flags : flags;
	else if (!strcmp(name, "cvtps2ph")) result &= 0xffff;
	else if (ends_with(name, "ss") || !strcmp(name, "cvtph2ps")) result &= 0xffffffff;
	printf("%s %s %04X %" PRIX64 " %" PRIX64 " %" PRIX64 " = ", name, immediate, mxcsr, a, b, c);
	if (faulted) printf("fault %04X\n", fault_mxcsr);
	else printf("%" PRIX64 " %04X\n", result, after);
	return 1;
}

int main(void)
{
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
	char line[512], name[32], immediate[8];

	sigaction(SIGFPE, &action, NULL);
	while (fgets(line, sizeof line, stdin)) {
		float80 a, b;
		uint64_t x, y, z, memory[2];
		uint32_t control;
		int known = 0;

		if (strchr(line, ':')) {
			if (sscanf(line, "%31s %" SCNx32 " %" SCNx16 ":%" SCNx64 " %" SCNx16 ":%" SCNx64 " %" SCNx64 " %" SCNx64, name,
				&control, &a.sign_exponent, &a.significand, &b.sign_exponent, &b.significand, &memory[0], &memory[1]) == 8)
				known = x87(name, (uint16_t)control, a, b, memory);
		} else if (sscanf(line, "%31s %7s %" SCNx32 " %" SCNx64 " %" SCNx64 " %" SCNx64, name, immediate, &control, &x, &y, &z) == 6) {
			known = sse(name, immediate, control, x, y, z);
		}

		if (!known) {
			fprintf(stderr, "not understood: %s", line);
			return 1;
		}
	}

	return 0;
}
