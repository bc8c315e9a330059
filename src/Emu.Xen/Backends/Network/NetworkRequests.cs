using System.Buffers.Binary;

namespace Emu.Xen.Backends.Network;

/// <summary>Constants of xen/include/public/io/netif.h.</summary>
internal static class Netif
{
    /// <summary>NETTXF_csum_blank: the checksum is the back end's to fill in.</summary>
    public const ushort TxChecksumBlank = 1 << 0;

    /// <summary>NETTXF_more_data: the packet goes on in the next request.</summary>
    public const ushort TxMoreData = 1 << 2;

    /// <summary>NETTXF_extra_info: extra information follows.</summary>
    public const ushort TxExtraInfo = 1 << 3;

    /// <summary>NETRXF_data_validated: the checksum is right.</summary>
    public const ushort RxDataValidated = 1 << 0;

    /// <summary>NETIF_RSP_ERROR.</summary>
    public const short StatusError = -1;

    /// <summary>NETIF_RSP_OKAY.</summary>
    public const short StatusOkay = 0;

    /// <summary>NETIF_RSP_NULL: the response to extra information.</summary>
    public const short StatusNull = 1;

    /// <summary>XEN_NETIF_EXTRA_TYPE_GSO.</summary>
    public const byte ExtraGso = 1;

    /// <summary>XEN_NETIF_EXTRA_TYPE_MAX.</summary>
    public const byte ExtraTypes = 6;

    /// <summary>XEN_NETIF_EXTRA_FLAG_MORE: more extra information follows.</summary>
    public const byte ExtraMore = 1 << 0;

    /// <summary>XEN_NETIF_GSO_TYPE_NONE.</summary>
    public const byte GsoNone = 0;

    /// <summary>XEN_NETIF_GSO_TYPE_TCPV4.</summary>
    public const byte GsoTcpV4 = 1;

    /// <summary>XEN_NETIF_NR_SLOTS_MIN: so many requests may make a packet.</summary>
    public const int MostSlots = 18;

    /// <summary>A front end that uses so many is broken or malicious (netback's fatal_skb_slots).</summary>
    public const int FatalSlots = 20;

    /// <summary>Bytes of an entry of the transmit ring.</summary>
    public const int TxEntryLength = 12;

    /// <summary>Bytes of an entry of the receive ring.</summary>
    public const int RxEntryLength = 8;

    /// <summary>Bytes of extra information.</summary>
    public const int ExtraLength = 8;
}

/// <summary>netif_tx_request.</summary>
internal struct TransmitRequest
{
    public uint Reference;
    public ushort Offset;
    public ushort Flags;
    public ushort Id;

    /// <summary>Bytes; in the first request of a packet those of the whole packet.</summary>
    public ushort Size;

    public static TransmitRequest Read(ReadOnlySpan<byte> bytes) => new()
    {
        Reference = BinaryPrimitives.ReadUInt32LittleEndian(bytes),
        Offset = BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..]),
        Flags = BinaryPrimitives.ReadUInt16LittleEndian(bytes[6..]),
        Id = BinaryPrimitives.ReadUInt16LittleEndian(bytes[8..]),
        Size = BinaryPrimitives.ReadUInt16LittleEndian(bytes[10..]),
    };
}
