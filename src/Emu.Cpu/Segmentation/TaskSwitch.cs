using System.Runtime.InteropServices;
using Emu.Cpu.Events;
using Emu.Cpu.State;

namespace Emu.Cpu.Segmentation;

/// <summary>What asks for a task switch: it decides on busy bits, NT and the back link (SDM Vol. 3, table 7-2).</summary>
internal enum TaskSwitchSource
{
    /// <summary>JMP: the old task is no longer busy.</summary>
    Jump,

    /// <summary>CALL, or an event through a task gate: the old task stays busy and becomes the back link.</summary>
    CallOrEvent,

    /// <summary>IRET with NT: back to a busy task.</summary>
    InterruptReturn,
}

/// <summary>Task switching in hardware, with 16- and 32-bit task-state segments (SDM Vol. 3, 7.3).</summary>
/// <remarks>
/// Up to the point where the new state is loaded a fault leaves the old task as it was; after it, segment faults belong to the new
/// task, whose CS:EIP they report (<see cref="Vcpu.FailInNewTask"/>).
/// </remarks>
internal static unsafe class TaskSwitch
{
    private const uint Limit32 = 0x67;
    private const uint Limit16 = 0x2B;
    private const ulong DynamicPart32 = 0x20;
    private const ulong DynamicPart16 = 0x0E;

    /// <summary>The dynamic fields of a 32-bit TSS, from offset 0x20.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Dynamic32
    {
        public uint Eip, Eflags;
        public fixed uint Registers[8];
        public fixed uint Segments[6];
        public uint Ldt;
        public uint DebugTrap;
    }

    /// <summary>The dynamic fields of a 16-bit TSS, from offset 0x0E.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Dynamic16
    {
        public ushort Ip, Flags;
        public fixed ushort Registers[8];
        public fixed ushort Segments[4];
        public ushort Ldt;
    }

    /// <summary>What a TSS holds, whatever its width.</summary>
    private struct NewTask
    {
        public ulong Cr3, Rip, Flags;
        public fixed ulong Registers[8];
        public fixed ushort Segments[6];
        public ushort Ldt;
        public bool DebugTrap;
    }

    /// <summary>Reads and checks the available TSS that a task gate names.</summary>
    public static bool TryReadTarget(Vcpu vcpu, ushort selector, uint ext, out Descriptor descriptor)
    {
        descriptor = default;
        var errorCode = DescriptorTables.ErrorCode(selector, ext);
        if ((selector & DescriptorTables.TableIndicator) != 0)
            return vcpu.Fail(ExceptionVector.GeneralProtection, errorCode);
        if (!DescriptorTables.TryRead(vcpu, selector, out descriptor, ext))
            return false;
        if (descriptor.IsCodeOrData || descriptor.Type is not (DescriptorType.AvailableTss16 or DescriptorType.AvailableTss32))
            return vcpu.Fail(ExceptionVector.GeneralProtection, errorCode);
        return descriptor.IsPresent || vcpu.Fail(ExceptionVector.SegmentNotPresent, errorCode);
    }

    /// <summary>Reads and checks the busy TSS that IRET goes back to.</summary>
    public static bool TryReadBackLink(Vcpu vcpu, ushort selector, out Descriptor descriptor)
    {
        descriptor = default;
        var errorCode = DescriptorTables.ErrorCode(selector);
        if ((selector & DescriptorTables.TableIndicator) != 0)
            return vcpu.Fail(ExceptionVector.InvalidTss, errorCode);
        if (!DescriptorTables.TryRead(vcpu, selector, out descriptor, 0, ExceptionVector.InvalidTss))
            return false;
        if (descriptor.IsCodeOrData || descriptor.Type is not (DescriptorType.BusyTss16 or DescriptorType.BusyTss32))
            return vcpu.Fail(ExceptionVector.InvalidTss, errorCode);
        return descriptor.IsPresent || vcpu.Fail(ExceptionVector.SegmentNotPresent, errorCode);
    }

    /// <summary>Switches to another task.</summary>
    /// <param name="vcpu">The CPU.</param>
    /// <param name="source">What asks for it.</param>
    /// <param name="selector">The new task's TSS, in the GDT.</param>
    /// <param name="descriptor">Its descriptor, checked for type.</param>
    /// <param name="next">EIP to save in the old task.</param>
    /// <param name="retired">Instructions retired when the switch is complete: RF of the new task holds then.</param>
    /// <param name="flags">EFLAGS to save there.</param>
    /// <param name="ext">EXT of error codes.</param>
    /// <returns>False with the failure recorded.</returns>
    public static bool TrySwitch(Vcpu vcpu, TaskSwitchSource source, ushort selector, Descriptor descriptor, ulong next, ulong retired,
        ulong flags, uint ext)
    {
        var s = vcpu.State;
        var is32 = descriptor.Type is DescriptorType.AvailableTss32 or DescriptorType.BusyTss32;
        if (descriptor.Limit < (is32 ? Limit32 : Limit16))
            return vcpu.Fail(ExceptionVector.InvalidTss, DescriptorTables.ErrorCode(selector, ext));

        ref var tr = ref s->Segments[(int)SegmentName.Tr];
        if (source == TaskSwitchSource.InterruptReturn)
            flags &= ~Rflags.NestedTask;
        NewTask task;
        if (!TryReadTask(vcpu, descriptor.Base, is32, &task))
            return false;
        // Everything that will be written is known to be writable before the first write.
        if (!DescriptorTables.TryFind(vcpu, selector, 8, out var newEntry) || !vcpu.TryProbeSystemWrite(newEntry, 8)
            || !vcpu.TryProbeSystemWrite(descriptor.Base, 2))
        {
            return false;
        }
        var releasesOld = source != TaskSwitchSource.CallOrEvent;
        ulong oldDescriptor = 0;
        if (releasesOld && (!DescriptorTables.TryFind(vcpu, tr.Selector, 8, out var oldEntry) || !vcpu.TryProbeSystemWrite(oldEntry, 8)
            || !vcpu.TryReadSystem(oldEntry, out oldDescriptor)))
        {
            return vcpu.Fail(ExceptionVector.InvalidTss, DescriptorTables.ErrorCode(tr.Selector, ext));
        }
        // Checked now, and loaded only once the old task has been saved in its own address space.
        if (LoadsPdptes(s, is32, &task) && !vcpu.AreValidPdptes(task.Cr3))
            return vcpu.Fail(ExceptionVector.InvalidTss, DescriptorTables.ErrorCode(selector, ext));
        if (!TrySaveTask(vcpu, in tr, next, flags, ext))
            return false;

        if (releasesOld && !DescriptorTables.TryMarkBusy(vcpu, tr.Selector, new Descriptor(oldDescriptor), false))
            return false;
        if (source == TaskSwitchSource.CallOrEvent)
        {
            if (!vcpu.TryWriteSystem(descriptor.Base, tr.Selector))
                return false;
            task.Flags |= Rflags.NestedTask;
        }
        if (source != TaskSwitchSource.InterruptReturn && !DescriptorTables.TryMarkBusy(vcpu, selector, descriptor, true))
            return false;

        Load(vcpu, selector, descriptor, is32, &task);
        s->ResumeAt = retired;
        return TryLoadSegments(vcpu, &task, ext) || vcpu.FailInNewTask();
    }

    /// <summary>Pushes the error code of an event that came through a task gate onto the new task's stack.</summary>
    public static bool TryPushErrorCode(Vcpu vcpu, uint errorCode, uint ext)
    {
        var s = vcpu.State;
        var frame = new StackFrame(((uint)s->Segments[(int)SegmentName.Tr].Attributes & 8) != 0 ? 4 : 2);
        frame.Push(errorCode);
        ref var ss = ref s->Segments[(int)SegmentName.Ss];
        var pointer = s->Registers[4] & StackSegment.PointerMask(in ss);
        if (!frame.TryWrite(vcpu, in ss, ref pointer, s->Cpl == 3, ext))
            return vcpu.FailInNewTask();
        StackSegment.SetPointer(s, pointer);
        return true;
    }

    private static bool LoadsPdptes(CpuState* s, bool is32, NewTask* task) =>
        is32 && (s->Cr0 & Cr0.Pg) != 0 && (s->Cr4 & Cr4.Pae) != 0 && s->Cr3 != task->Cr3;

    private static bool TryReadTask(Vcpu vcpu, uint address, bool is32, NewTask* task)
    {
        *task = default;
        if (is32)
        {
            Dynamic32 fields;
            if (!vcpu.TryReadSystem(address + 0x1C, out uint cr3)
                || !vcpu.TryReadSystem(address + DynamicPart32, &fields, sizeof(Dynamic32), 0, ExceptionVector.InvalidTss, 0))
            {
                return false;
            }
            task->Cr3 = cr3;
            task->Rip = fields.Eip;
            task->Flags = fields.Eflags;
            for (var i = 0; i < 8; i++)
                task->Registers[i] = fields.Registers[i];
            for (var i = 0; i < 6; i++)
                task->Segments[i] = (ushort)fields.Segments[i];
            task->Ldt = (ushort)fields.Ldt;
            task->DebugTrap = (fields.DebugTrap & 1) != 0;
            return true;
        }
        Dynamic16 old;
        if (!vcpu.TryReadSystem(address + DynamicPart16, &old, sizeof(Dynamic16), 0, ExceptionVector.InvalidTss, 0))
            return false;
        task->Cr3 = vcpu.State->Cr3;
        task->Rip = old.Ip;
        task->Flags = old.Flags;
        for (var i = 0; i < 8; i++)
            task->Registers[i] = 0xFFFF_0000 | old.Registers[i];
        for (var i = 0; i < 4; i++)
            task->Segments[i] = old.Segments[i];
        task->Ldt = old.Ldt;
        return true;
    }

    private static bool TrySaveTask(Vcpu vcpu, in SegmentRegister tr, ulong next, ulong flags, uint ext)
    {
        var s = vcpu.State;
        if (((uint)tr.Attributes & 8) != 0)
        {
            if (tr.Limit < 0x5F)
                return vcpu.Fail(ExceptionVector.InvalidTss, DescriptorTables.ErrorCode(tr.Selector, ext));
            Dynamic32 fields;
            fields.Eip = (uint)next;
            fields.Eflags = (uint)flags;
            for (var i = 0; i < 8; i++)
                fields.Registers[i] = (uint)s->Registers[i];
            for (var i = 0; i < 6; i++)
                fields.Segments[i] = s->Segments[i].Selector;
            // The LDT and what follows are static.
            return vcpu.TryWriteSystem(tr.Base + DynamicPart32, &fields, sizeof(Dynamic32) - 8, 0, ExceptionVector.InvalidTss, 0);
        }
        if (tr.Limit < 0x29)
            return vcpu.Fail(ExceptionVector.InvalidTss, DescriptorTables.ErrorCode(tr.Selector, ext));
        Dynamic16 old;
        old.Ip = (ushort)next;
        old.Flags = (ushort)flags;
        for (var i = 0; i < 8; i++)
            old.Registers[i] = (ushort)s->Registers[i];
        for (var i = 0; i < 4; i++)
            old.Segments[i] = s->Segments[i].Selector;
        return vcpu.TryWriteSystem(tr.Base + DynamicPart16, &old, sizeof(Dynamic16) - 2, 0, ExceptionVector.InvalidTss, 0);
    }

    private static void Load(Vcpu vcpu, ushort selector, Descriptor descriptor, bool is32, NewTask* task)
    {
        var s = vcpu.State;
        var register = descriptor.ToRegister(selector);
        register.Attributes = descriptor.Attributes | SegmentAttributes.WritableOrReadable;
        s->Segments[(int)SegmentName.Tr] = register;
        s->Cr0 |= Cr0.Ts;
        if (is32 && (s->Cr0 & Cr0.Pg) != 0 && s->Cr3 != task->Cr3)
        {
            if (LoadsPdptes(s, is32, task))
                vcpu.TryLoadPdptes(task->Cr3);
            s->Cr3 = task->Cr3;
            vcpu.ChangeAddressSpace(keep: false);
        }
        s->Rip = task->Rip;
        s->Flags.SetFrom(task->Flags);
        var flags = is32 ? task->Flags : task->Flags & 0xFFFF;
        s->SystemFlags = (flags & Vcpu.SystemFlagsMask) | Rflags.AlwaysSet;
        for (var i = 0; i < 8; i++)
            s->Registers[i] = (uint)task->Registers[i];
        for (var i = 0; i < 6; i++)
            s->Segments[i] = SegmentLoads.Null(task->Segments[i]);
        s->Segments[(int)SegmentName.Ldtr] = SegmentLoads.Null(task->Ldt);
        // Local breakpoints belong to a task.
        s->DebugRegisters[7] &= ~0x155UL;
        vcpu.UpdateBreakpoints();
        if (task->DebugTrap)
            vcpu.RecordDebugTrap(DebugStatus.TaskSwitch);
        s->Cpl = (flags & Rflags.Virtual8086) != 0 ? 3 : DescriptorTables.Rpl(task->Segments[(int)SegmentName.Cs]);
        vcpu.UpdateMode();
    }

    private static bool TryLoadSegments(Vcpu vcpu, NewTask* task, uint ext)
    {
        var s = vcpu.State;
        if (!TryLoadLdt(vcpu, task->Ldt, ext))
            return false;
        if ((s->SystemFlags & Rflags.Virtual8086) != 0)
        {
            for (var i = 0; i < 6; i++)
                s->Segments[i] = SegmentLoads.Virtual8086(task->Segments[i]);
            vcpu.UpdateMode();
            return s->Rip <= 0xFFFF || vcpu.Fail(ExceptionVector.GeneralProtection, ext);
        }
        var code = task->Segments[(int)SegmentName.Cs];
        if (!SegmentLoads.TryPrepareStack(vcpu, task->Segments[(int)SegmentName.Ss], s->Cpl, false, ExceptionVector.InvalidTss, ext, out var stack)
            || !TryPrepareCode(vcpu, code, ext, out var codeRegister))
        {
            return false;
        }
        s->Segments[(int)SegmentName.Ss] = stack;
        s->Segments[(int)SegmentName.Cs] = codeRegister;
        vcpu.UpdateMode();
        for (var name = SegmentName.Es; name <= SegmentName.Gs; name++)
        {
            if (name is SegmentName.Cs or SegmentName.Ss)
                continue;
            if (!SegmentLoads.TryPrepareData(vcpu, task->Segments[(int)name], out var register, ExceptionVector.InvalidTss, ext))
                return false;
            s->Segments[(int)name] = register;
        }
        vcpu.UpdateMode();
        return s->Rip <= codeRegister.Limit || vcpu.Fail(ExceptionVector.GeneralProtection, ext);
    }

    private static bool TryLoadLdt(Vcpu vcpu, ushort selector, uint ext)
    {
        if (DescriptorTables.IsNull(selector))
            return true;
        var errorCode = DescriptorTables.ErrorCode(selector, ext);
        if ((selector & DescriptorTables.TableIndicator) != 0)
            return vcpu.Fail(ExceptionVector.InvalidTss, errorCode);
        if (!DescriptorTables.TryRead(vcpu, selector, out var descriptor, ext, ExceptionVector.InvalidTss))
            return false;
        if (descriptor.IsCodeOrData || descriptor.Type != DescriptorType.Ldt || !descriptor.IsPresent)
            return vcpu.Fail(ExceptionVector.InvalidTss, errorCode);
        var register = descriptor.ToRegister(selector);
        register.Attributes = descriptor.Attributes;
        vcpu.State->Segments[(int)SegmentName.Ldtr] = register;
        return true;
    }

    private static bool TryPrepareCode(Vcpu vcpu, ushort selector, uint ext, out SegmentRegister register)
    {
        register = default;
        if (DescriptorTables.IsNull(selector))
            return vcpu.Fail(ExceptionVector.InvalidTss, ext);
        if (!DescriptorTables.TryRead(vcpu, selector, out var descriptor, ext, ExceptionVector.InvalidTss))
            return false;
        var rpl = DescriptorTables.Rpl(selector);
        if (!descriptor.IsCode || (descriptor.IsConforming ? descriptor.Dpl > rpl : descriptor.Dpl != rpl))
            return vcpu.Fail(ExceptionVector.InvalidTss, DescriptorTables.ErrorCode(selector, ext));
        if (!descriptor.IsPresent)
            return vcpu.Fail(ExceptionVector.SegmentNotPresent, DescriptorTables.ErrorCode(selector, ext));
        register = descriptor.ToRegister(selector);
        return DescriptorTables.TryMarkAccessed(vcpu, selector, descriptor);
    }
}
