namespace CertAuthority.Ui.Pages;

/// <summary>Formats what requests name.</summary>
internal static class Words
{
    private const int MostHosts = 4;

    /// <summary><c>db1, db2</c>; of many, the first few and how many more there are.</summary>
    public static string Hosts(string[] resources)
    {
        var names = string.Join(", ", resources.Take(MostHosts).Select(resource => resource[(resource.IndexOf('/') + 1)..]));
        return resources.Length > MostHosts ? $"{names} and {resources.Length - MostHosts} more" : names;
    }
}
