using Emu.Cpu.Execution;
using Emu.Cpu.Platform;
using Emu.Cpu.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.Supervisor;

/// <summary>What a system observer hears, with which instruction and count.</summary>
public sealed unsafe class SystemObserverTests
{
    private readonly Recorder _heard = new();

    [Fact]
    public void Control_registers_are_reported_with_what_they_held_and_the_instruction_that_wrote_them()
    {
        using var guest = Guest.Protected();
        guest.Vcpu.SystemObserver = _heard;
        guest.Assemble(a => { a.nop(); a.mov(eax, 0x20); a.mov(cr4, eax); a.mov(eax, 0x5000); a.mov(cr3, eax); a.mov(cr3, eax); a.hlt(); });

        Assert.Equal(RunExit.Halted, guest.Run());
        var start = Guest.Code;
        Assert.Equal(
        [
            $"2 {start + 6:x}: Cr4 0 -> 20",
            $"4 {start + 14:x}: Cr3 0 -> 5000",
            $"5 {start + 17:x}: Cr3 5000 -> 5000",
            $"6 {start + 20:x}: halt",
        ], _heard.Lines);
    }

    [Fact]
    public void Lmsw_efer_and_xcr0_count_as_control_registers()
    {
        using var guest = Guest.Long();
        guest.State->Cr4 |= Cr4.Osxsave;
        guest.Vcpu.StateChanged();
        guest.Vcpu.SystemObserver = _heard;
        guest.Assemble(a =>
        {
            a.mov(eax, 0xB); a.lmsw(ax);
            a.mov(ecx, 0xC0000080); a.mov(eax, 0x101); a.xor(edx, edx); a.wrmsr();
            a.xor(ecx, ecx); a.mov(eax, 7); a.xsetbv();
            a.hlt();
        });

        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(["Cr0 80010031 -> 8001003b", "Efer d01 -> 501", "Xcr0 1 -> 7", "halt"], _heard.Lines.Select(What));
    }

    [Fact]
    public void A_write_that_faults_is_not_reported()
    {
        using var guest = Guest.Protected();
        guest.Vcpu.SystemObserver = _heard;
        guest.Assemble(a => { a.mov(eax, 0x80000000); a.mov(cr4, eax); });

        Assert.Equal(ExceptionVector.GeneralProtection, guest.RunToHandler());
        Assert.DoesNotContain(_heard.Lines, line => line.Contains("Cr4", StringComparison.Ordinal));
    }

    [Fact]
    public void Tables_and_model_specific_registers_are_reported()
    {
        using var guest = Guest.Long();
        guest.Write(Guest.Data, (ushort)0x7F);
        guest.Write(Guest.Data + 2, (ulong)Guest.Gdt);
        guest.Vcpu.SystemObserver = _heard;
        guest.Assemble(a =>
        {
            a.lgdt(__[Guest.Data]); a.lidt(__[Guest.Data]);
            a.mov(eax, Guest.TssSelector); a.xor(edx, edx); a.lldt(dx); a.ltr(ax);
            a.mov(ecx, 0xC0000082); a.mov(eax, 0x1234); a.wrmsr();
            a.hlt();
        });
        guest.SetDescriptor(Guest.TssSelector, Guest.Descriptor(Guest.Tss, 0x67, 0x89, 0));

        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(["Global", "Interrupt", "Local", "Task", "MSR c0000082 = 1234", "halt"], _heard.Lines.Select(What));
    }

    [Fact]
    public void Far_transfers_are_reported_with_the_mode_that_they_left()
    {
        using var guest = Guest.Protected();
        guest.Vcpu.SystemObserver = _heard;
        guest.SetDescriptor(Guest.Code16, Guest.Descriptor(0, 0xFFFF, 0x9B, 0));
        guest.Place(a => a.hlt(), Guest.Handlers + 0x800);
        guest.Assemble(a => a.db(0xEA, 0x00, 0x68, 0x00, 0x00, (byte)Guest.Code16, 0x00));

        Assert.Equal(RunExit.Halted, guest.Run());
        var (kind, from, mode, rip) = Assert.Single(_heard.Transfers);
        Assert.Equal((TransferKind.Jump, Guest.KernelCode, Guest.Code, 0u), (kind, from.Selector, from.Rip, from.Cpl));
        Assert.Equal(CodeMode.Code32, from.Mode & CodeMode.CodeSize);
        Assert.Equal(CodeMode.Code16, mode & CodeMode.CodeSize);
        Assert.Equal(Guest.Handlers + 0x800UL, rip);
    }

    [Fact]
    public void Of_fast_system_calls_the_first_of_each_direction_is_reported()
    {
        using var guest = Guest.Long();
        guest.State->Msr.Star = ((ulong)Guest.KernelCode << 32) | ((ulong)(Guest.UserCode64 - 16) << 48);
        guest.State->Msr.LongStar = Guest.Code;
        guest.Place(a => a.sysretq(), Guest.Code);
        guest.Rsp = Guest.UserStack;
        guest.EnterRing3(Rflags.AlwaysSet | Rflags.Interrupt);
        guest.Vcpu.SystemObserver = _heard;
        guest.Assemble(a => { a.syscall(); a.syscall(); a.syscall(); a.ud2(); }, Guest.UserCode);

        Assert.Equal(ExceptionVector.InvalidOpcode, guest.RunToHandler());
        Assert.Equal([TransferKind.SystemCall, TransferKind.SystemReturn], _heard.Transfers.Select(transfer => transfer.Kind));
        Assert.Equal((3u, (ulong)Guest.UserCode), (_heard.Transfers[0].From.Cpl, _heard.Transfers[0].From.Rip));
        Assert.Equal((0u, (ulong)Guest.Code, Guest.UserCode + 2UL), (_heard.Transfers[1].From.Cpl, _heard.Transfers[1].From.Rip, _heard.Transfers[1].Rip));
    }

    [Fact]
    public void A_start_up_message_is_reported_with_the_first_instruction()
    {
        using var guest = Guest.Real();
        guest.Vcpu.SystemObserver = _heard;
        guest.Vcpu.StartUp(0x9A);

        Assert.Equal(["started 9a00:0"], _heard.Lines);
    }

    private static string What(string line) => line[(line.IndexOf(": ", StringComparison.Ordinal) + 2)..];

    private sealed class Recorder : ISystemObserver
    {
        public List<string> Lines { get; } = [];

        public List<(TransferKind Kind, CodePlace From, CodeMode Mode, ulong Rip)> Transfers { get; } = [];

        public void ControlRegisterWritten(Vcpu vcpu, ControlRegister register, ulong before)
        {
            var s = vcpu.State;
            var after = register switch
            {
                ControlRegister.Cr0 => s->Cr0,
                ControlRegister.Cr3 => s->Cr3,
                ControlRegister.Cr4 => s->Cr4,
                ControlRegister.Efer => s->Efer,
                _ => s->Xcr0,
            };
            Note(vcpu, $"{register} {before:x} -> {after:x}");
        }

        public void ModelSpecificRegisterWritten(Vcpu vcpu, uint register, ulong value) => Note(vcpu, $"MSR {register:x} = {value:x}");

        public void TableLoaded(Vcpu vcpu, SystemTable table) => Note(vcpu, $"{table}");

        public void Transferred(Vcpu vcpu, TransferKind kind, in CodePlace from) => Transfers.Add((kind, from, vcpu.CodeMode, vcpu.State->Rip));

        public void Started(Vcpu vcpu) => Lines.Add($"started {vcpu.State->Segments[(int)SegmentName.Cs].Selector:x}:{vcpu.State->Rip:x}");

        public void Halted(Vcpu vcpu) => Note(vcpu, "halt");

        private void Note(Vcpu vcpu, string what) => Lines.Add($"{vcpu.InstructionsRetired} {vcpu.State->Rip:x}: {what}");
    }
}
