using System.Text;

namespace Emu.Host.Debugging;

// Registers, memory and breakpoints.
internal sealed partial class DebugSession
{
    private string ReadAllRegisters()
    {
        byte[] bytes = new byte[_registers.ContextLength];
        int at = 0;
        foreach (GuestRegister register in _registers.All)
        {
            register.Read(Vcpu, bytes.AsSpan(at, register.Length));
            at += register.Length;
        }

        return Hexadecimal.Text(bytes);
    }

    private string WriteAllRegisters(ReadOnlySpan<char> text)
    {
        if (Hexadecimal.TryBytes(text) is not { } bytes || bytes.Length != _registers.ContextLength)
            return PacketError.Malformed;
        int at = 0;
        foreach (GuestRegister register in _registers.All)
        {
            if (!TryChange(register, bytes.AsSpan(at, register.Length)))
                return PacketError.NotWritable;
            at += register.Length;
        }

        return Ok;
    }

    /// <summary>Reads a register by gdb's name for it: gdb itself does not put values into monitor commands.</summary>
    /// <param name="name">The name, with a dollar sign.</param>
    /// <param name="value">Its value.</param>
    /// <returns>False where there is none such of eight bytes at most.</returns>
    public bool TryRegister(string name, out ulong value)
    {
        value = 0;
        GuestRegister? register = name is "$pc" ? _registers.All[_registers.ProgramCounter]
            : name is ['$', ..] ? _registers.All.FirstOrDefault(one => one.Name == name[1..]) : null;
        if (register is not { Length: <= sizeof(ulong) })
            return false;
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        bytes.Clear();
        register.Read(Vcpu, bytes[..register.Length]);
        value = System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        return true;
    }

    private string ReadRegister(ReadOnlySpan<char> text)
    {
        if (!Hexadecimal.TryNumber(text, out ulong number) || number >= (ulong)_registers.All.Count)
            return PacketError.Malformed;
        GuestRegister register = _registers.All[(int)number];
        Span<byte> bytes = stackalloc byte[register.Length];
        register.Read(Vcpu, bytes);
        return Hexadecimal.Text(bytes);
    }

    private string WriteRegister(ReadOnlySpan<char> text)
    {
        int equals = text.IndexOf('=');
        if (equals < 0 || !Hexadecimal.TryNumber(text[..equals], out ulong number) || number >= (ulong)_registers.All.Count)
            return PacketError.Malformed;
        GuestRegister register = _registers.All[(int)number];
        if (Hexadecimal.TryBytes(text[(equals + 1)..]) is not { } bytes || bytes.Length != register.Length)
            return PacketError.Malformed;
        return TryChange(register, bytes) ? Ok : PacketError.NotWritable;
    }

    private bool TryChange(GuestRegister register, ReadOnlySpan<byte> bytes)
    {
        Span<byte> present = stackalloc byte[register.Length];
        register.Read(Vcpu, present);
        if (present.SequenceEqual(bytes))
            return true;
        if (register.Write is null)
            return false;
        _control.NoteChange();
        return register.Write(Vcpu, bytes);
    }

    private void SetProgramCounter(ulong address)
    {
        GuestRegister register = _registers.All[_registers.ProgramCounter];
        Span<byte> bytes = stackalloc byte[8];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(bytes, address);
        TryChange(register, bytes[..register.Length]);
    }

    private string ReadMemory(ReadOnlySpan<char> text)
    {
        if (ReadMemoryBytes(text) is not { } bytes)
            return PacketError.Malformed;
        return bytes.Length == 0 && !text.EndsWith(",0") ? PacketError.NoMemory : Hexadecimal.Text(bytes);
    }

    private byte[] ReadMemoryBinary(ReadOnlySpan<char> text)
    {
        byte[]? bytes = ReadMemoryBytes(text);
        return bytes is null ? Encoding.ASCII.GetBytes(PacketError.Malformed)
            : bytes.Length == 0 && !text.EndsWith(",0") ? Encoding.ASCII.GetBytes(PacketError.NoMemory)
            : [(byte)'b', .. bytes];
    }

    // ADDR,LENGTH: as much of it as can be read, and as a packet holds.
    private byte[]? ReadMemoryBytes(ReadOnlySpan<char> text)
    {
        if (!TryRange(text, out ulong address, out ulong length))
            return null;
        byte[] bytes = new byte[Math.Min(length, PacketReader.LongestPayload / 2 - 16)];
        return bytes[.._control.Memory.Read(Vcpu, address, _isPhysical, bytes)];
    }

    private string WriteMemory(ReadOnlySpan<char> text, bool isBinary)
    {
        int colon = text.IndexOf(':');
        if (colon < 0 || !TryRange(text[..colon], out ulong address, out ulong length))
            return PacketError.Malformed;
        ReadOnlySpan<char> data = text[(colon + 1)..];
        byte[]? bytes = isBinary ? Encoding.Latin1.GetBytes(data.ToString()) : Hexadecimal.TryBytes(data);
        if (bytes is null || (ulong)bytes.Length != length)
            return PacketError.Malformed;
        if (bytes.Length == 0)
            return Ok;
        _control.NoteChange();
        return _control.Memory.TryWrite(Vcpu, address, _isPhysical, bytes) ? Ok : PacketError.NoMemory;
    }

    // Ztype,addr,kind with or without conditions behind it, which were not announced.
    private string ChangeBreakpoint(ReadOnlySpan<char> text)
    {
        if (text.Length < 4 || text[1] is < '0' or > '4' || text[2] != ',')
            return text.Length > 1 && text[1] is > '4' and <= '9' ? Unknown : PacketError.Malformed;
        if (!TryRange(text[3..], out ulong address, out ulong length))
            return PacketError.Malformed;
        BreakpointType type = (BreakpointType)(text[1] - '0');
        if (type >= BreakpointType.Write && (length == 0 || address + (length - 1) < address))
            return PacketError.Malformed;
        Breakpoint breakpoint = new(type, address, length);
        if (text[0] == 'z')
            _breakpoints.Remove(breakpoint, View);
        else if (!_breakpoints.TryAdd(breakpoint, View))
            return PacketError.TooMany;
        return Ok;
    }

    private static bool TryRange(ReadOnlySpan<char> text, out ulong address, out ulong length)
    {
        int comma = text.IndexOf(',');
        length = 0;
        address = 0;
        return comma >= 0 && Hexadecimal.TryNumber(text[..comma], out address) && Hexadecimal.TryNumber(text[(comma + 1)..], out length);
    }
}
