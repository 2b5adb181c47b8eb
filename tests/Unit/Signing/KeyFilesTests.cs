using CertAuthority.Configuration;
using CertAuthority.Keys;
using CertAuthority.OpenSsh;
using CertAuthority.Signing;

namespace CertAuthority.Tests.Unit.Signing;

public sealed class KeyFilesTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    [Fact]
    public void Next_key_takes_the_place_of_the_old_one()
    {
        var (old, next) = Made();
        using (var files = Load())
        {
            Assert.Equal(old, files.Current.PublicKey);
            Assert.Equal(next, files.Next?.PublicKey);
            files.Promote(next);
            Assert.Equal(next, files.Current.PublicKey);
            Assert.Null(files.Next);
        }
        Is(next, old);
    }

    private static readonly (string From, string To)[] AllMoves =
    [
        ("user_ca.pub", "user_ca_previous.pub"), ("user_ca", "user_ca_previous"), ("user_ca_next", "user_ca"), ("user_ca_next.pub", "user_ca.pub"),
    ];

    // The moves of the promotion, in their order.
    public static TheoryData<int> Moves => [0, 1, 2, 3, 4];

    [Theory]
    [MemberData(nameof(Moves))]
    public void Promotion_that_broke_off_is_completed(int moves)
    {
        var (old, next) = Made();
        foreach (var (from, to) in AllMoves.Take(moves))
            File.Move(folder.File(from), folder.File(to));
        // What the daemon does with a rotation that is being retired.
        using (var files = Load())
        {
            Assert.NotNull(files.Ring(next, []));
            files.Promote(next);
        }
        Is(next, old);
    }

    [Theory]
    [MemberData(nameof(Moves))]
    public void Promotion_that_failed_is_completed_by_the_next(int moves)
    {
        var (old, next) = Made();
        using (var files = Load())
        {
            foreach (var (from, to) in AllMoves.Take(moves))
                File.Move(folder.File(from), folder.File(to));
            files.Promote(next);
        }
        Is(next, old);
    }

    [Fact]
    public void Only_the_key_that_is_meant_takes_the_place()
    {
        var (old, next) = Made();
        using (var files = Load())
        {
            Assert.Throws<InvalidOperationException>(() => files.Promote(SignatureKey.Parse(Vector.Blob("ca.pub"))));
            files.Promote(old);
            Assert.Equal(next, files.Next?.PublicKey);
        }
        using (var unchanged = Load())
            Assert.Equal(old, unchanged.Current.PublicKey);
    }

    [Fact]
    public void Half_removed_next_key_keeps_no_start_from_working()
    {
        var (old, next) = Made();
        // The first thing that the removal does.
        File.Delete(folder.File("user_ca_next.pub"));
        using var files = Load();
        Assert.Equal((old, next), (files.Current.PublicKey, files.Next!.PublicKey));
        files.DropNext();
        Assert.NotEqual(next, files.MakeNext().PublicKey);
    }

    [Fact]
    public void Key_that_no_file_has_signs_nothing()
    {
        var (old, next) = Made();
        using var files = Load();
        var other = SignatureKey.Parse(Vector.Blob("ca.pub"));
        Assert.Null(files.Ring(other, [old]));
        Assert.Equal<PublicKey>([next, old], files.Ring(next, [old, next])!.Trusted);
        files.DropNext();
        Assert.Null(files.Ring(next, []));
        Assert.False(File.Exists(folder.File("user_ca_next")) || File.Exists(folder.File("user_ca_next.pub")));
        Assert.NotEqual(next, files.MakeNext().PublicKey);
    }

    public void Dispose() => folder.Dispose();

    private (SignatureKey Old, SignatureKey Next) Made()
    {
        using var files = Load();
        return (files.Current.PublicKey, files.MakeNext().PublicKey);
    }

    private void Is(SignatureKey current, SignatureKey previous)
    {
        using var files = Load();
        Assert.Equal(current, files.Current.PublicKey);
        Assert.Null(files.Next);
        Assert.Equal(current, PublicKey.ParseLine(File.ReadAllText(folder.File("user_ca.pub"))));
        Assert.Equal(previous, PublicKey.ParseLine(File.ReadAllText(folder.File("user_ca_previous.pub"))));
        Assert.False(File.Exists(folder.File("user_ca_next.pub")));
    }

    private KeyFiles Load() => KeyFiles.Load(Path.GetDirectoryName(folder.File("x"))!, CaPurpose.User, KeyCustody.Default, CaKeyType.Ed25519).GetAwaiter().GetResult();
}
