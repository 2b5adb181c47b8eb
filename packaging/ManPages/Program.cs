using System.Globalization;
using CertAuthority.ManPages;

// The date of the release where the builder says it, so that two builds of one source are the same.
var date = long.TryParse(Environment.GetEnvironmentVariable("SOURCE_DATE_EPOCH"), CultureInfo.InvariantCulture, out var seconds)
    ? DateTimeOffset.FromUnixTimeSeconds(seconds)
    : TimeProvider.System.GetUtcNow();
if (args is not [var folder])
{
    Console.Error.WriteLine("usage: ManPages OUTDIR");
    return 2;
}
Directory.CreateDirectory(folder);
foreach (var page in Manual.Pages(date))
    File.WriteAllText(Path.Combine(folder, page.FileName), page.Text);
return 0;
