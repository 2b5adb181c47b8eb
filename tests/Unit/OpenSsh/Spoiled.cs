using CertAuthority.OpenSsh;

namespace CertAuthority.Tests.Unit;

/// <summary>Ways to ruin bytes.</summary>
internal static class Spoiled
{
    /// <summary>Every proper prefix is refused as bad bytes, and in no other way.</summary>
    internal static void EveryTruncationIsRefused(byte[] whole, Action<byte[]> parse)
    {
        parse(whole);
        for (var length = 0; length < whole.Length; length++)
            Assert.Throws<SshFormatException>(() => parse(whole[..length]));
    }

    /// <summary>With any one byte changed the bytes are read, or refused as bad bytes; never anything else.</summary>
    internal static void NoChangedByteDoesHarm(byte[] whole, Action<byte[]> parse)
    {
        for (var at = 0; at < whole.Length; at++)
        {
            foreach (var change in new byte[] { 0x01, 0x80, 0xff })
            {
                byte[] changed = [.. whole];
                changed[at] ^= change;
                try
                {
                    parse(changed);
                }
                catch (SshFormatException)
                {
                }
            }
        }
    }
}
