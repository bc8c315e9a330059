using Emu.Cpu.Snapshots;
using Emu.Xen.Domains;

namespace Emu.Xen.Backends;

/// <summary>The control domain's end of the PV console (xen/include/public/io/console.h): the guest's hvc0.</summary>
/// <remarks>
/// <code>
/// in[1024] 0x000, out[2048] 0x400, in_cons 0xC00, in_prod 0xC04, out_cons 0xC08, out_prod 0xC0C, connection 0xC10
/// </code>
/// Indices run freely. They are the guest's to spoil: more output than the ring holds is taken for none.
/// </remarks>
public sealed class ConsoleRing : IStateful
{
    /// <summary>How long the guest waits to hear that its output was taken, in nanoseconds.</summary>
    private const ulong AnswerTime = 20_000;

    private const uint InLength = 1024, OutLength = 2048;
    private const int In = 0, Out = 0x400, InConsumer = 0xC00, InProducer = 0xC04, OutConsumer = 0xC08, OutProducer = 0xC0C;

    private readonly Domain _domain;
    private readonly IXenTimer _answer;
    private readonly uint _port;

    /// <summary>Connects the console of a domain.</summary>
    /// <param name="domain">The domain.</param>
    public ConsoleRing(Domain domain)
    {
        ArgumentNullException.ThrowIfNull(domain);
        _domain = domain;
        _port = (uint)domain.Parameters[HvmParameters.ConsolePort];
        _answer = domain.Host.CreateTimer("console answer", () => domain.Events.Notify(_port));
        domain.Events.TryConnect(_port, domain.Events.AddListener(TakeOutput));
    }

    /// <summary>Called when the guest may have taken input, or listens for the first time.</summary>
    public event Action? ReceiverReady;

    /// <summary>True from the guest's first output on.</summary>
    public bool IsInUse { get; private set; }

    /// <summary>True where the guest uses the console and has taken all input that there was.</summary>
    public bool WantsInput
    {
        get
        {
            var bytes = Bytes;
            return IsInUse && bytes.ReadUInt32(InConsumer) == bytes.ReadUInt32(InProducer);
        }
    }

    private MappedBytes Bytes => new(_domain.Host.Memory, _domain.ConsolePage.Frame);

    /// <summary>Gives the guest a byte; it is lost where the ring is full.</summary>
    /// <param name="value">The byte.</param>
    public void Receive(byte value)
    {
        var bytes = Bytes;
        var producer = bytes.ReadUInt32(InProducer);
        if (producer - bytes.ReadUInt32(InConsumer) >= InLength)
            return;
        bytes.WriteByte(In + (int)(producer % InLength), value);
        bytes.WriteUInt32(InProducer, producer + 1);
        _domain.Events.Notify(_port);
    }

    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Section("PV console");
        IsInUse = stream.Transferred(IsInUse);
        _answer.Transfer(stream);
    }

    private void TakeOutput()
    {
        var bytes = Bytes;
        uint consumer = bytes.ReadUInt32(OutConsumer), producer = bytes.ReadUInt32(OutProducer);
        var length = producer - consumer;
        if (length is not 0 and <= OutLength)
        {
            Span<byte> text = stackalloc byte[(int)OutLength];
            for (uint i = 0; i < length; i++)
                text[(int)i] = bytes.ReadByte(Out + (int)((consumer + i) % OutLength));
            _domain.Host.WriteConsole(text[..(int)length]);
            _answer.Arm(_domain.Host.Now + AnswerTime);
        }

        if (length != 0)
            bytes.WriteUInt32(OutConsumer, producer);
        IsInUse |= length != 0;
        ReceiverReady?.Invoke();
    }
}
