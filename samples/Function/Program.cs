// Runs single functions, without any kernel: arguments in, result out, with what they ask of their surroundings answered by this program.
using Emu.Cpu;
using Emu.Cpu.Instrumentation;
using Emu.Machine;

const ulong Code = 0x10_0000, Stack = 0x20_0000, Data = 0x30_0000, Return = 0x40_0000;

using var machine = new PvhMachine(new MachineOptions { MemorySize = 16UL << 20 });
RunLimits limits = new() { MaxInstructions = 1_000_000 };

// long strlen(const char *s): what compilers make of it.
//   xor eax, eax
// 1: cmp byte [rdi+rax], 0
//   je 2f
//   inc rax
//   jmp 1b
// 2: ret
machine.LoadCode([0x31, 0xC0, 0x80, 0x3C, 0x07, 0x00, 0x74, 0x05, 0x48, 0xFF, 0xC0, 0xEB, 0xF5, 0xC3], Code, CodeWidth.Flat64);
machine.Ram.Write(Data, "a function of its own\0"u8);
var loaded = machine.TakeSnapshot();
Console.WriteLine($"strlen: {Call(Data)} after {machine.InstructionsRetired} instructions");

// Which bytes it reads.
machine.Restore(loaded);
var reads = 0;
using (machine.Hooks.OnMemory(Data, 0x1000, WatchedAccess.Read, (_, _) => reads++))
    Call(Data);
Console.WriteLine($"bytes read: {reads}");

// An address at which nothing is mapped: the hook gives it something to read, and the access is made again.
machine.Restore(loaded);
using (machine.Hooks.AnswerExceptions((vcpu, raised) =>
{
    Console.WriteLine($"vector {raised.Vector} at +0x{vcpu.LinearRip - Code:x}, RDI 0x{vcpu.Registers.Rdi:x}");
    var registers = vcpu.Registers;
    registers.Rdi = Data;
    return raised.Vector == ExceptionVector.PageFault;
}))
{
    Console.WriteLine($"strlen again: {Call(0x1234_5678_0000)}");
}

// A program's system call, without a kernel: mov eax, 39 (getpid); int 80h; ret
machine.LoadCode([0xB8, 39, 0, 0, 0, 0xCD, 0x80, 0xC3], Code, CodeWidth.Flat64);
using (machine.Hooks.AnswerExceptions((vcpu, raised) =>
{
    if (raised.Kind != EventKind.SoftwareInterrupt)
        return false;
    var registers = vcpu.Registers;
    Console.WriteLine($"system call {registers.Rax}");
    registers.Rax = 4711;
    return true;
}))
{
    Console.WriteLine($"getpid: {Call(0)}");
}

ulong Call(ulong argument)
{
    var registers = machine.Vcpu.Registers;
    machine.Ram.Write(Stack, BitConverter.GetBytes(Return));
    (registers.Rip, registers.Rsp, registers.Rdi) = (Code, Stack, argument);
    var result = machine.RunUntil(Return, limits);
    return result.Reason == StopReason.Paused ? registers.Rax : throw new InvalidOperationException(result.ToString());
}
